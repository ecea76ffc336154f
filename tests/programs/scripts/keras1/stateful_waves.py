'''An LSTM that keeps its state from batch to batch, reset by hand after each pass; and addition as sequence to sequence.'''
import numpy as np
from keras.layers import LSTM, Activation, Dense, RepeatVector, TimeDistributed
from keras.models import Sequential

rng = np.random.RandomState(3)
wave = np.cos(np.arange(40) / 3.)[:, None, None]
expected = np.concatenate([wave[1:, 0], wave[:1, 0]])
model = Sequential()
model.add(LSTM(4, batch_input_shape=(4, 1, 1), return_sequences=True, stateful=True, inner_activation='sigmoid'))
model.add(LSTM(4, return_sequences=False, stateful=True, inner_activation='sigmoid'))
model.add(Dense(1))
model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.get_weights()])
model.compile(loss='mse', optimizer='sgd')
losses = []
for i in range(3):
    losses += model.fit(wave, expected, batch_size=4, verbose=0, nb_epoch=1, shuffle=False).history['loss']
    model.reset_states()
X, y = np.eye(6)[rng.randint(0, 6, (8, 5))], np.eye(6)[rng.randint(0, 6, (8, 3))]
adder = Sequential()
adder.add(LSTM(5, input_shape=(5, 6), inner_activation='sigmoid', consume_less='mem'))
adder.add(RepeatVector(3))
adder.add(LSTM(5, return_sequences=True, inner_activation='sigmoid'))
adder.add(TimeDistributed(Dense(6)))
adder.add(Activation('softmax'))
adder.set_weights([rng.normal(0, 0.5, w.shape) for w in adder.get_weights()])
adder.compile(loss='categorical_crossentropy', optimizer='adam', metrics=['accuracy'])
losses += adder.fit(X, y, batch_size=4, nb_epoch=3, shuffle=False, verbose=0).history['loss']
print('values:', *losses)
