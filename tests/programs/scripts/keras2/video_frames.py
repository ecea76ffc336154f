"""Films: a convnet at each frame under an LSTM, and memory that is itself convolutional."""
import numpy as np
from keras.layers import (LSTM, BatchNormalization, Conv2D, Conv3D, ConvLSTM2D, Dense, Flatten, MaxPooling2D,
                          TimeDistributed)
from keras.models import Sequential

rng = np.random.RandomState(23)
films, labels = rng.rand(6, 3, 6, 6, 1), np.arange(6) % 2
model = Sequential()
model.add(TimeDistributed(Conv2D(2, (3, 3), activation='relu'), input_shape=(3, 6, 6, 1)))
model.add(TimeDistributed(MaxPooling2D((2, 2))))
model.add(TimeDistributed(Flatten()))
model.add(LSTM(4))
model.add(Dense(1, activation='sigmoid'))
model.set_weights([rng.normal(0, 0.4, w.shape) for w in model.get_weights()])
model.compile('adam', 'binary_crossentropy', ['accuracy'])
first = model.fit(films, labels, epochs=3, batch_size=3, shuffle=False, verbose=0).history['loss']
seq = Sequential()
seq.add(ConvLSTM2D(filters=2, kernel_size=(3, 3), input_shape=(None, 6, 6, 1), padding='same', return_sequences=True,
                   recurrent_activation='sigmoid'))
seq.add(BatchNormalization())
seq.add(Conv3D(filters=1, kernel_size=(3, 3, 3), activation='sigmoid', padding='same', data_format='channels_last'))
seq.set_weights([rng.uniform(0.05, 0.4, w.shape) for w in seq.get_weights()])
seq.compile(loss='binary_crossentropy', optimizer='sgd')
second = seq.fit(films[:, :-1], films[:, 1:], batch_size=3, epochs=3, shuffle=False, verbose=0).history['loss']
print('values:', *first, *second, seq.predict(films[:1], verbose=0).mean())
