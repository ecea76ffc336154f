"""Messages along the edges of a graph: gathered, weighted, summed at their targets."""
import numpy as np

import keras
from keras import layers, ops


class GraphConv(layers.Layer):
    def __init__(self, units, edges, combination="add", **kwargs):
        super().__init__(**kwargs)
        self.edges, self.combination = edges, combination
        self.ffn_prepare = keras.Sequential([layers.BatchNormalization(), layers.Dense(units, activation="gelu")])
        self.ffn_update = layers.Dense(units, activation="gelu")

    def call(self, nodes):
        neighbours = ops.take(nodes, self.edges[1], axis=0)
        messages = self.ffn_prepare(neighbours)
        count = ops.segment_sum(ops.ones((len(self.edges[0]), 1)), self.edges[0], num_segments=6)
        summed = ops.segment_sum(messages, self.edges[0], num_segments=6)
        h = ops.concatenate([nodes, summed / ops.maximum(count, 1.0)], axis=1)
        return ops.normalize(self.ffn_update(h), axis=-1, order=2)


rng = np.random.RandomState(12)
edges = np.array([[0, 1, 2, 3, 4, 5, 0, 2], [1, 0, 3, 2, 5, 4, 3, 5]], dtype="int32")
features = rng.rand(6, 4).astype("float32")
labels = np.array([0, 1, 0, 1, 1, 0])
inputs = keras.Input(batch_shape=(6, 4))
x1 = GraphConv(4, edges)(inputs)
x2 = GraphConv(4, edges)(x1) + x1
model = keras.Model(inputs, layers.Dense(2)(layers.Dropout(0)(x2)))
model.set_weights([rng.uniform(0.05, 0.6, w.shape) for w in model.get_weights()])
model.compile(keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True),
              metrics=[keras.metrics.SparseCategoricalAccuracy(name="acc")])
history = model.fit(features, labels, epochs=4, batch_size=6, shuffle=False, verbose=0,
                    callbacks=[keras.callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=10.0)])
print("values:", *history.history["loss"], *history.history["learning_rate"], *history.history["acc"])
