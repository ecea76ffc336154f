'''A perceptron with two hidden layers on digits, as one wrote it in 2016.'''
from __future__ import print_function
import numpy as np
from keras.models import Sequential
from keras.layers.core import Dense, Dropout, Activation
from keras.optimizers import SGD
from keras.utils import np_utils

batch_size, nb_classes, nb_epoch = 8, 4, 5
rng = np.random.RandomState(0)
X_train = rng.randint(0, 256, (24, 16)).astype('float32') / 255
Y_train = np_utils.to_categorical(np.arange(24) % nb_classes, nb_classes)
model = Sequential()
model.add(Dense(8, input_shape=(16,), init='uniform'))
model.add(Activation('relu'))
model.add(Dropout(p=0.0))
model.add(Dense(output_dim=8, activation='tanh', W_regularizer=None))
model.add(Dense(nb_classes))
model.add(Activation('softmax'))
model.set_weights([rng.uniform(-0.5, 0.5, w.shape) for w in model.get_weights()])
model.compile(loss='categorical_crossentropy', optimizer=SGD(lr=0.1, decay=1e-2, momentum=0.9, nesterov=True),
              metrics=['accuracy'])
history = model.fit(X_train, Y_train, batch_size=batch_size, nb_epoch=nb_epoch, verbose=0, shuffle=False,
                    validation_data=(X_train[:8], Y_train[:8]))
score = model.evaluate(X_train, Y_train, verbose=0)
print('values:', *(history.history['loss'] + history.history['val_loss'] + list(score)))
