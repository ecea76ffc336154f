"""A network out of nothing but tensors: layers, model and training loop written out."""
import math

import numpy as np
import tensorflow as tf

import keras
from keras import ops


class NaiveDense:
    def __init__(self, input_size, output_size, seed, activation=None):
        self.activation = activation
        start = np.random.RandomState(seed).uniform(-0.5, 0.5, (input_size, output_size))
        self.W = keras.Variable(start, dtype="float32")
        self.b = keras.Variable(shape=(output_size,), initializer="zeros")

    def __call__(self, inputs):
        x = ops.matmul(inputs, self.W)
        x = x + self.b
        return x if self.activation is None else self.activation(x)

    @property
    def weights(self):
        return [self.W, self.b]


class NaiveSequential:
    def __init__(self, layers):
        self.layers = layers

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

    @property
    def weights(self):
        return sum((layer.weights for layer in self.layers), [])


class BatchGenerator:
    def __init__(self, images, labels, batch_size):
        self.index, self.images, self.labels, self.batch_size = 0, images, labels, batch_size
        self.num_batches = math.ceil(len(images) / batch_size)

    def next(self):
        images = self.images[self.index:self.index + self.batch_size]
        labels = self.labels[self.index:self.index + self.batch_size]
        self.index += self.batch_size
        return images, labels


def one_training_step(model, images, labels):
    with tf.GradientTape() as tape:
        predictions = model(images)
        loss = ops.sparse_categorical_crossentropy(labels, predictions)
        average_loss = ops.mean(loss)
    gradients = tape.gradient(average_loss, model.weights)
    for g, w in zip(gradients, model.weights):
        w.assign(w - g * 0.1)
    return average_loss


rng = np.random.RandomState(11)
images, labels = rng.rand(20, 9).astype("float32"), rng.randint(0, 3, 20)
model = NaiveSequential([NaiveDense(9, 8, 1, ops.relu), NaiveDense(8, 3, 2, ops.softmax)])
losses = []
for _ in range(3):
    batches = BatchGenerator(images, labels, 8)
    for _ in range(batches.num_batches):
        losses.append(float(one_training_step(model, *batches.next())))
predictions = ops.convert_to_numpy(model(images))
print("values:", *losses, (predictions.argmax(axis=1) == labels).mean())
