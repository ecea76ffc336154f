"""An autoencoder in the manner of 2018: a Lambda for sampling, the loss added to the model by backend functions."""
import numpy as np
from keras import backend as K
from keras.layers import Dense, Input, Lambda
from keras.losses import binary_crossentropy
from keras.models import Model

original_dim, latent_dim = 10, 2


def sampling(args):
    z_mean, z_log_var = args
    batch = K.shape(z_mean)[0]
    dim = K.int_shape(z_mean)[1]
    epsilon = K.constant(0.3, shape=(1, dim)) + K.cast(batch - batch, 'float32')
    return z_mean + K.exp(0.5 * z_log_var) * epsilon


inputs = Input(shape=(original_dim,), name='encoder_input')
x = Dense(6, activation='relu')(inputs)
z_mean = Dense(latent_dim, name='z_mean')(x)
z_log_var = Dense(latent_dim, name='z_log_var')(x)
z = Lambda(sampling, output_shape=(latent_dim,), name='z')([z_mean, z_log_var])
encoder = Model(inputs, [z_mean, z_log_var, z], name='encoder')
latent_inputs = Input(shape=(latent_dim,), name='z_sampling')
outputs = Dense(original_dim, activation='sigmoid')(Dense(6, activation='relu')(latent_inputs))
decoder = Model(latent_inputs, outputs, name='decoder')
outputs = decoder(encoder(inputs)[2])
vae = Model(inputs, outputs, name='vae_mlp')
reconstruction_loss = binary_crossentropy(inputs, outputs) * original_dim
kl_loss = 1 + z_log_var - K.square(z_mean) - K.exp(z_log_var)
kl_loss = K.sum(kl_loss, axis=-1) * -0.5
vae.add_loss(K.mean(reconstruction_loss + kl_loss))
rng = np.random.RandomState(6)
for part in (encoder, decoder):
    part.set_weights([rng.normal(0, 0.3, w.shape) for w in part.get_weights()])
vae.compile(optimizer='adam')
x_train = rng.rand(12, original_dim)
history = vae.fit(x_train, epochs=3, batch_size=4, shuffle=False, verbose=0, validation_data=(x_train[:4], None))
means, _, _ = encoder.predict(x_train, batch_size=4, verbose=0)
print('values:', *history.history['loss'], *history.history['val_loss'], means.mean(), means.std())
