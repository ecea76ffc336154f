"""Experts chosen by a router: top-k, one-hot masks, a load loss added on the way, group norm and einsum layers."""
import numpy as np

import keras
from keras import layers, ops


class Router(layers.Layer):
    def __init__(self, num_experts, capacity):
        super().__init__()
        self.num_experts, self.capacity = num_experts, capacity
        self.route = layers.Dense(num_experts)

    def call(self, inputs, training=False):
        probs = ops.softmax(self.route(inputs), axis=-1)
        gate, index = ops.top_k(probs, k=1)
        mask = ops.one_hot(ops.squeeze(index, -1), self.num_experts)
        density, proxy = ops.mean(mask, axis=0), ops.mean(probs, axis=0)
        self.add_loss(ops.mean(proxy * density) * self.num_experts ** 2 * 0.01)
        position = ops.cumsum(mask, axis=0) * mask
        mask = mask * ops.cast(ops.less(position, self.capacity + 1), "float32")
        return mask * gate


class Switch(layers.Layer):
    def __init__(self, num_experts, width):
        super().__init__()
        self.router = Router(num_experts, 6)
        self.experts = [keras.Sequential([layers.Dense(width, "relu"), layers.Dense(width)]) for _ in range(num_experts)]

    def call(self, x):
        combine = self.router(x)
        outputs = ops.stack([expert(x) for expert in self.experts], axis=1)
        return ops.sum(outputs * ops.expand_dims(combine, -1), axis=1)


rng = np.random.RandomState(29)
inputs = keras.Input((6,))
x = layers.EinsumDense("ab,bc->ac", output_shape=8, bias_axes="c")(inputs)
x = layers.GroupNormalization(groups=4)(x)
x = Switch(3, 8)(x)
model = keras.Model(inputs, layers.Dense(3, activation="softmax")(x))
model.set_weights([rng.normal(0, 0.4, w.shape) for w in model.get_weights()])
model.compile(keras.optimizers.Adagrad(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"], weighted_metrics=["accuracy"])
history = model.fit(rng.rand(16, 6), rng.randint(0, 3, 16), sample_weight=rng.rand(16), batch_size=8, epochs=4, verbose=0,
                    shuffle=False).history
print("values:", *history["loss"], *history["accuracy"])
