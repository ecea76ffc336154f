'''A convolutional autoencoder, and batches counted in samples by fit_generator.'''
import numpy as np
from keras.layers import Convolution2D, Input, MaxPooling2D, UpSampling2D
from keras.models import Model

rng = np.random.RandomState(4)
x_train = rng.rand(12, 8, 8, 1)
input_img = Input(shape=(8, 8, 1))
x = Convolution2D(4, 3, 3, activation='relu', border_mode='same')(input_img)
x = MaxPooling2D((2, 2), border_mode='same')(x)
x = Convolution2D(2, 3, 3, activation='relu', border_mode='same')(x)
encoded = MaxPooling2D((2, 2), border_mode='same')(x)
x = Convolution2D(2, 3, 3, activation='relu', border_mode='same')(encoded)
x = UpSampling2D((2, 2))(x)
x = UpSampling2D((2, 2))(x)
decoded = Convolution2D(1, 3, 3, activation='sigmoid', border_mode='same')(x)
autoencoder = Model(input=input_img, output=decoded)
autoencoder.set_weights([rng.normal(0, 0.4, w.shape) for w in autoencoder.get_weights()])
autoencoder.compile(optimizer='sgd', loss='binary_crossentropy')


def batches():
    while True:
        for i in range(0, 12, 4):
            yield x_train[i:i + 4], x_train[i:i + 4]


history = autoencoder.fit_generator(batches(), samples_per_epoch=12, nb_epoch=3, verbose=0, max_q_size=1, nb_worker=1,
                                    validation_data=(x_train[:4], x_train[:4]))
encoder = Model(input=input_img, output=encoded)
print('values:', *(history.history['loss'] + history.history['val_loss'] + [encoder.predict(x_train).sum()]))
