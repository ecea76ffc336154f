import numpy as np
from keras.layers import LSTM, Activation, Dense, RepeatVector, TimeDistributed
from keras.models import Sequential
rng = np.random.RandomState(3)
wave = np.cos(np.arange(40) / 3.)[:, None, None]
expected = np.concatenate([wave[1:, 0], wave[:1, 0]])
model = Sequential([LSTM(4, batch_input_shape=(4, 1, 1), return_sequences=True, stateful=True), LSTM(4, stateful=True),
                    Dense(1)])
model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.get_weights()])
model.compile(loss='mse', optimizer='sgd')
losses = []
for _ in range(3):
    losses += model.fit(wave, expected, batch_size=4, verbose=0, epochs=1, shuffle=False).history['loss']
    model.reset_states()
x, y = np.eye(6)[rng.randint(0, 6, (8, 5))], np.eye(6)[rng.randint(0, 6, (8, 3))]
adder = Sequential([LSTM(5, input_shape=(5, 6)), RepeatVector(3), LSTM(5, return_sequences=True),
                    TimeDistributed(Dense(6)), Activation('softmax')])
adder.set_weights([rng.normal(0, 0.5, w.shape) for w in adder.get_weights()])
adder.compile(loss='categorical_crossentropy', optimizer='adam')
losses += adder.fit(x, y, batch_size=4, epochs=3, shuffle=False, verbose=0).history['loss']
print('values:', *losses)
