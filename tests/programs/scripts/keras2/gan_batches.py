"""Forger and judge in turns by train_on_batch; the judge is frozen inside the pair."""
import numpy as np
from tensorflow.keras.layers import BatchNormalization, Dense, Flatten, Input, LeakyReLU, Reshape
from tensorflow.keras.models import Model, Sequential
from tensorflow.keras.optimizers import Adam

img_shape, latent_dim = (4, 4, 1), 3
rng = np.random.RandomState(7)
optimizer = Adam(0.002, 0.5)


def put(model):
    model.set_weights([rng.uniform(0.02, 0.4, w.shape) - 0.2 * (len(w.shape) > 1) for w in model.get_weights()])
    return model


discriminator = put(Sequential([Flatten(input_shape=img_shape), Dense(6), LeakyReLU(alpha=0.2),
                                Dense(1, activation='sigmoid')]))
discriminator.compile(loss='binary_crossentropy', optimizer=Adam(0.002, 0.5), metrics=['accuracy'])
generator = put(Sequential([Dense(6, input_dim=latent_dim), LeakyReLU(alpha=0.2), BatchNormalization(momentum=0.8),
                            Dense(16, activation='tanh'), Reshape(img_shape)]))
z = Input(shape=(latent_dim,))
img = generator(z)
discriminator.trainable = False
combined = Model(z, discriminator(img))
combined.compile(loss='binary_crossentropy', optimizer=optimizer)
x_train = rng.rand(16, 4, 4, 1) * 2 - 1
valid, fake = np.ones((8, 1)), np.zeros((8, 1))
values = []
for epoch in range(3):
    imgs = x_train[epoch * 4:epoch * 4 + 8]
    gen_imgs = generator.predict(rng.normal(0, 1, (8, latent_dim)), verbose=0)
    d_loss_real = discriminator.train_on_batch(imgs, valid, reset_metrics=True)
    d_loss_fake = discriminator.train_on_batch(gen_imgs, fake, reset_metrics=True)
    d_loss = 0.5 * np.add(d_loss_real, d_loss_fake)
    g_loss = combined.train_on_batch(rng.normal(0, 1, (8, latent_dim)), valid, reset_metrics=True)
    values += [d_loss[0], 100 * d_loss[1], g_loss]
print('values:', *values)
