'''Convolutions in the words of Keras 1, with pictures whose channels come first.'''
import numpy as np
from keras import backend as K
from keras.layers import Activation, Convolution2D, Dense, Flatten, MaxPooling2D
from keras.models import Sequential
from keras.regularizers import l2

K.set_image_dim_ordering('tf')
rng = np.random.RandomState(1)
X, Y = rng.rand(12, 10, 10, 3), np.eye(3)[np.arange(12) % 3]
model = Sequential()
model.add(Convolution2D(4, 3, 3, border_mode='same', input_shape=X.shape[1:], W_regularizer=l2(0.01)))
model.add(Activation('relu'))
model.add(Convolution2D(4, 3, 3, subsample=(2, 2), bias=False))
model.add(Activation('relu'))
model.add(MaxPooling2D(pool_size=(2, 2), border_mode='valid'))
model.add(Flatten())
model.add(Dense(3, activation='softmax'))
model.set_weights([rng.normal(0, 0.3, w.shape) for w in model.get_weights()])
model.compile(loss='categorical_crossentropy', optimizer='rmsprop', metrics=['accuracy'])
hist = model.fit(X, Y, batch_size=4, nb_epoch=4, shuffle=False, verbose=0)
classes = model.predict_classes(X, verbose=0)
proba = model.predict_proba(X, batch_size=6, verbose=0)
print('values:', *(hist.history['loss'] + hist.history['acc'] + list(classes[:4]) + [proba.max()]))
