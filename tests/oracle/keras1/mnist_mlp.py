import numpy as np
from keras.layers import Activation, Dense, Dropout
from keras.models import Sequential
from keras.optimizers.legacy import SGD
from keras.utils import to_categorical
rng = np.random.RandomState(0)
x = rng.randint(0, 256, (24, 16)).astype('float32') / 255
y = to_categorical(np.arange(24) % 4, 4)
model = Sequential([Dense(8, input_shape=(16,)), Activation('relu'), Dropout(0.0), Dense(8, activation='tanh'), Dense(4),
                    Activation('softmax')])
model.set_weights([rng.uniform(-0.5, 0.5, w.shape) for w in model.get_weights()])
model.compile(loss='categorical_crossentropy', optimizer=SGD(0.1, decay=1e-2, momentum=0.9, nesterov=True),
              metrics=['accuracy'])
history = model.fit(x, y, batch_size=8, epochs=5, verbose=0, shuffle=False, validation_data=(x[:8], y[:8]))
print('values:', *(history.history['loss'] + history.history['val_loss'] + model.evaluate(x, y, verbose=0)))
