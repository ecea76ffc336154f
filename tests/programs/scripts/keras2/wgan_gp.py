"""A critic whose gradient's length is held near one: a gradient of a gradient inside train_step."""
import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers


class WGAN(keras.Model):
    def __init__(self, discriminator, generator, latent_dim, noise, discriminator_extra_steps=2, gp_weight=10.0):
        super(WGAN, self).__init__()
        self.discriminator = discriminator
        self.generator = generator
        self.noise = tf.constant(noise, tf.float32)
        self.d_steps = discriminator_extra_steps
        self.gp_weight = gp_weight

    def compile(self, d_optimizer, g_optimizer, d_loss_fn, g_loss_fn):
        super(WGAN, self).compile()
        self.d_optimizer = d_optimizer
        self.g_optimizer = g_optimizer
        self.d_loss_fn = d_loss_fn
        self.g_loss_fn = g_loss_fn

    def gradient_penalty(self, batch_size, real_images, fake_images):
        alpha = tf.reshape(tf.linspace(0.1, 0.9, 4), [4, 1, 1, 1])
        diff = fake_images - real_images
        interpolated = real_images + alpha * diff
        with tf.GradientTape() as gp_tape:
            gp_tape.watch(interpolated)
            pred = self.discriminator(interpolated, training=True)
        grads = gp_tape.gradient(pred, [interpolated])[0]
        norm = tf.sqrt(tf.reduce_sum(tf.square(grads), axis=[1, 2, 3]))
        return tf.reduce_mean((norm - 1.0) ** 2)

    def train_step(self, real_images):
        if isinstance(real_images, tuple):
            real_images = real_images[0]
        batch_size = tf.shape(real_images)[0]
        for _ in range(self.d_steps):
            with tf.GradientTape() as tape:
                fake_images = self.generator(self.noise, training=True)
                fake_logits = self.discriminator(fake_images, training=True)
                real_logits = self.discriminator(real_images, training=True)
                d_cost = self.d_loss_fn(real_img=real_logits, fake_img=fake_logits)
                gp = self.gradient_penalty(batch_size, real_images, fake_images)
                d_loss = d_cost + gp * self.gp_weight
            d_gradient = tape.gradient(d_loss, self.discriminator.trainable_variables)
            self.d_optimizer.apply_gradients(zip(d_gradient, self.discriminator.trainable_variables))
        with tf.GradientTape() as tape:
            gen_img_logits = self.discriminator(self.generator(self.noise, training=True), training=True)
            g_loss = self.g_loss_fn(gen_img_logits)
        gen_gradient = tape.gradient(g_loss, self.generator.trainable_variables)
        self.g_optimizer.apply_gradients(zip(gen_gradient, self.generator.trainable_variables))
        return {'d_loss': d_loss, 'g_loss': g_loss}


rng = np.random.RandomState(8)
d_model = keras.Sequential([keras.Input((4, 4, 1)), layers.Conv2D(3, 3, strides=2, padding='same'), layers.LeakyReLU(0.2),
                            layers.Flatten(), layers.Dropout(0.0), layers.Dense(1)])
g_model = keras.Sequential([keras.Input((3,)), layers.Dense(8, use_bias=False), layers.Reshape((2, 2, 2)),
                            layers.UpSampling2D(2), layers.Conv2D(1, 3, padding='same', activation='tanh')])
for m in (d_model, g_model):
    m.set_weights([rng.normal(0, 0.4, w.shape) for w in m.get_weights()])
wgan = WGAN(d_model, g_model, 3, rng.normal(0, 1, (4, 3)))
wgan.compile(d_optimizer=keras.optimizers.Adam(0.002, beta_1=0.5, beta_2=0.9),
             g_optimizer=keras.optimizers.Adam(0.002, beta_1=0.5, beta_2=0.9),
             d_loss_fn=lambda real_img, fake_img: tf.reduce_mean(fake_img) - tf.reduce_mean(real_img),
             g_loss_fn=lambda fake_img: -tf.reduce_mean(fake_img))
history = wgan.fit(rng.rand(8, 4, 4, 1).astype('float32'), batch_size=4, epochs=3, shuffle=False, verbose=0).history
print('values:', *history['d_loss'], *history['g_loss'])
