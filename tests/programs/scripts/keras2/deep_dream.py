"""A picture that pleases some layers: gradients with respect to the picture, octaves by resizing, a style by Gram matrices."""
import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

rng = np.random.RandomState(25)
inputs = keras.Input((None, None, 3))
x = layers.Conv2D(4, 3, activation='relu', padding='same', name='mixed1')(inputs)
x = layers.MaxPool2D()(x)
x = layers.Conv2D(5, 3, activation='relu', padding='same', name='mixed2')(x)
model = keras.Model(inputs, x)
model.set_weights([rng.normal(0, 0.3, w.shape) for w in model.get_weights()])
layer_settings = {'mixed1': 1.0, 'mixed2': 1.5}
outputs_dict = dict([(layer.name, layer.output) for layer in [model.get_layer(name) for name in layer_settings.keys()]])
feature_extractor = keras.Model(inputs=model.inputs, outputs=outputs_dict)


def compute_loss(input_image):
    features = feature_extractor(input_image)
    loss = tf.zeros(shape=())
    for name in features.keys():
        activation = features[name]
        scaling = tf.reduce_prod(tf.cast(tf.shape(activation), "float32"))
        loss += layer_settings[name] * tf.reduce_sum(tf.square(activation[:, 1:-1, 1:-1, :])) / scaling
    return loss


@tf.function
def gradient_ascent_step(img, learning_rate):
    with tf.GradientTape() as tape:
        tape.watch(img)
        loss = compute_loss(img)
    grads = tape.gradient(loss, img)
    grads /= tf.maximum(tf.reduce_mean(tf.abs(grads)), 1e-6)
    img += learning_rate * grads
    return loss, img


def gram_matrix(x):
    x = tf.transpose(x, (2, 0, 1))
    features = tf.reshape(x, (tf.shape(x)[0], -1))
    return tf.matmul(features, tf.transpose(features))


original = tf.constant(rng.rand(1, 12, 12, 3), tf.float32)
img, values = tf.image.resize(original, (6, 6)), []
for shape in ((6, 6), (8, 8), (12, 12)):
    img = tf.image.resize(img, shape)
    for _ in range(2):
        loss, img = gradient_ascent_step(img, 0.05)
        values.append(float(loss))
    lost = tf.image.resize(original, shape) - tf.image.resize(tf.image.resize(original, (6, 6)), shape)
    img += lost
style, made = (gram_matrix(feature_extractor(i)['mixed2'][0]) for i in (original, img))
style_loss = tf.reduce_sum(tf.square(style - made)) / (4.0 * (5 ** 2) * (144 ** 2))
total_variation = tf.reduce_mean(tf.image.total_variation(img))
print('values:', *values, float(style_loss), float(total_variation), float(tf.reduce_mean(tf.clip_by_value(img, 0, 1))))
