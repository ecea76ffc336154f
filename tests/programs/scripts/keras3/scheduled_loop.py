"""A loop by hand over epochs and batches, with a schedule of one's own: warm-up, then a cosine."""
import math

import numpy as np
import tensorflow as tf

import keras
from keras import ops


class WarmupCosine(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, base, total, warmup):
        super().__init__()
        self.base, self.total, self.warmup = base, total, warmup

    def __call__(self, step):
        step = ops.cast(step, "float32")
        cosine = 0.5 * self.base * (1 + ops.cos(math.pi * (step - self.warmup) / (self.total - self.warmup)))
        return ops.where(step < self.warmup, self.base * step / self.warmup, cosine)

    def get_config(self):
        return {"base": self.base, "total": self.total, "warmup": self.warmup}


rng = np.random.RandomState(9)
inputs = keras.Input(shape=(4,), name="digits")
outputs = keras.layers.Dense(3, name="predictions")(keras.layers.Dense(8, activation="swish")(inputs))
model = keras.Model(inputs, outputs)
model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.get_weights()])
optimizer = keras.optimizers.Nadam(WarmupCosine(0.05, 12, 4), beta_1=0.8)
loss_fn = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
train_acc = keras.metrics.CategoricalAccuracy()
x = rng.rand(24, 4).astype("float32")
y = keras.utils.to_categorical(rng.randint(0, 3, 24))
dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(8)


@tf.function
def train_step(x, y):
    with tf.GradientTape() as tape:
        logits = model(x, training=True)
        loss_value = loss_fn(y, logits)
    grads = tape.gradient(loss_value, model.trainable_weights)
    optimizer.apply(grads, model.trainable_weights)
    train_acc.update_state(y, logits)
    return loss_value


losses = []
for epoch in range(4):
    for step, (x_batch, y_batch) in enumerate(dataset):
        losses.append(float(train_step(x_batch, y_batch)))
    losses.append(float(train_acc.result()))
    train_acc.reset_state()
print("values:", *losses, optimizer.iterations.numpy(), float(optimizer.learning_rate))
