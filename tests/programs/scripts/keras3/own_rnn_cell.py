"""A cell of one's own with two states in an RNN layer both ways, and a scan over time by ops."""
import numpy as np

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable()
class MinimalGatedCell(layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.state_size = [units, 1]
        self.output_size = units

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], 2 * self.units), name="kernel")
        self.recurrent = self.add_weight(shape=(self.units, 2 * self.units), initializer="orthogonal", name="recurrent")
        self.bias = self.add_weight(shape=(2 * self.units,), initializer="zeros", name="bias")

    def call(self, inputs, states):
        h, steps = states
        gates = ops.matmul(inputs, self.kernel) + ops.matmul(h, self.recurrent) + self.bias
        f, candidate = ops.split(gates, 2, axis=-1)
        f = ops.sigmoid(f)
        h = f * h + (1 - f) * ops.tanh(candidate) * ops.cos(steps)
        return h, [h, steps + 1.0]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


class Decay(layers.Layer):
    def call(self, x):
        def step(carry, now):
            carry = 0.5 * carry + now
            return carry, carry
        last, _ = ops.scan(step, ops.zeros_like(x[:, 0]), ops.transpose(x, (1, 0, 2)))
        return last


rng = np.random.RandomState(28)
inputs = keras.Input((5, 3))
x = layers.Bidirectional(layers.RNN(MinimalGatedCell(3), return_sequences=True), merge_mode="ave")(inputs)
whole, state, steps = layers.RNN(MinimalGatedCell(4), return_state=True)(x)
outputs = layers.Dense(1)(layers.Concatenate()([whole, state, steps, Decay()(x)]))
model = keras.Model(inputs, outputs)
model.set_weights([rng.normal(0, 0.4, w.shape) for w in model.get_weights()])
model.compile("rmsprop", "mean_absolute_error")
data, target = rng.rand(12, 5, 3), rng.rand(12, 1)
history = model.fit(data, target, batch_size=4, epochs=4, shuffle=False, verbose=0).history
print("values:", *history["loss"], model.evaluate(data, target, verbose=0))
