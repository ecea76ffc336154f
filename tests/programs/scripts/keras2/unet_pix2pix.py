"""Pictures to pictures: down and up blocks with skips, a judge of patches, two tapes in one tf.function."""
import numpy as np
import tensorflow as tf

rng = np.random.RandomState(20)


def downsample(filters, size, apply_batchnorm=True):
    result = tf.keras.Sequential()
    result.add(tf.keras.layers.Conv2D(filters, size, strides=2, padding='same', use_bias=False))
    if apply_batchnorm:
        result.add(tf.keras.layers.BatchNormalization())
    result.add(tf.keras.layers.LeakyReLU())
    return result


def upsample(filters, size, apply_dropout=False):
    result = tf.keras.Sequential()
    result.add(tf.keras.layers.Conv2DTranspose(filters, size, strides=2, padding='same', use_bias=False))
    result.add(tf.keras.layers.BatchNormalization())
    if apply_dropout:
        result.add(tf.keras.layers.Dropout(0.0))
    result.add(tf.keras.layers.ReLU())
    return result


inputs = tf.keras.layers.Input(shape=[8, 8, 1])
d1 = downsample(3, 4, apply_batchnorm=False)(inputs)
d2 = downsample(4, 4)(d1)
u1 = upsample(3, 4, apply_dropout=True)(d2)
x = tf.keras.layers.Concatenate()([u1, d1])
last = tf.keras.layers.Conv2DTranspose(1, 4, strides=2, padding='same', activation='tanh')
generator = tf.keras.Model(inputs=inputs, outputs=last(x))
inp, tar = tf.keras.layers.Input([8, 8, 1], name='input_image'), tf.keras.layers.Input([8, 8, 1], name='target_image')
x = downsample(3, 4, False)(tf.keras.layers.concatenate([inp, tar]))
x = tf.keras.layers.ZeroPadding2D()(x)
discriminator = tf.keras.Model(inputs=[inp, tar], outputs=tf.keras.layers.Conv2D(1, 4, strides=1)(x))
for model in (generator, discriminator):
    model.set_weights([rng.uniform(-0.2, 0.3, w.shape) if len(w.shape) > 1 else rng.uniform(0.5, 1, w.shape)
                       for w in model.get_weights()])
loss_object = tf.keras.losses.BinaryCrossentropy(from_logits=True)
generator_optimizer = tf.keras.optimizers.Adam(2e-3, beta_1=0.5)
discriminator_optimizer = tf.keras.optimizers.Adam(2e-3, beta_1=0.5)


@tf.function
def train_step(input_image, target):
    with tf.GradientTape() as gen_tape, tf.GradientTape() as disc_tape:
        gen_output = generator(input_image, training=True)
        disc_real_output = discriminator([input_image, target], training=True)
        disc_generated_output = discriminator([input_image, gen_output], training=True)
        gan_loss = loss_object(tf.ones_like(disc_generated_output), disc_generated_output)
        l1_loss = tf.reduce_mean(tf.abs(target - gen_output))
        gen_total_loss = gan_loss + (10 * l1_loss)
        disc_loss = (loss_object(tf.ones_like(disc_real_output), disc_real_output)
                     + loss_object(tf.zeros_like(disc_generated_output), disc_generated_output))
    generator_gradients = gen_tape.gradient(gen_total_loss, generator.trainable_variables)
    discriminator_gradients = disc_tape.gradient(disc_loss, discriminator.trainable_variables)
    generator_optimizer.apply_gradients(zip(generator_gradients, generator.trainable_variables))
    discriminator_optimizer.apply_gradients(zip(discriminator_gradients, discriminator.trainable_variables))
    return gen_total_loss, l1_loss, disc_loss


def normalize(a, b):
    return (tf.cast(a, tf.float32) / 127.5) - 1, (tf.cast(b, tf.float32) / 127.5) - 1


images = rng.randint(0, 256, (2, 4, 8, 8, 1))
dataset = tf.data.Dataset.from_tensor_slices((images[0], images[1])).map(normalize, num_parallel_calls=tf.data.AUTOTUNE)
values = []
for step, (input_image, target) in dataset.batch(2).repeat().take(3).enumerate():
    values += [float(v) for v in train_step(input_image, target)]
print('values:', *values)
