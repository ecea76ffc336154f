"""Columns of a table through gated residual networks, chosen by a softmax over columns."""
import numpy as np

import keras
from keras import layers, ops


class GatedLinearUnit(layers.Layer):
    def __init__(self, units):
        super().__init__()
        self.linear = layers.Dense(units)
        self.sigmoid = layers.Dense(units, activation="sigmoid")

    def call(self, inputs):
        return self.linear(inputs) * self.sigmoid(inputs)


class GatedResidualNetwork(layers.Layer):
    def __init__(self, units, dropout_rate):
        super().__init__()
        self.units = units
        self.elu_dense = layers.Dense(units, activation="elu")
        self.linear_dense = layers.Dense(units)
        self.dropout = layers.Dropout(dropout_rate)
        self.gated_linear_unit = GatedLinearUnit(units)
        self.layer_norm = layers.LayerNormalization()
        self.project = layers.Dense(units)

    def call(self, inputs):
        x = self.dropout(self.linear_dense(self.elu_dense(inputs)))
        if inputs.shape[-1] != self.units:
            inputs = self.project(inputs)
        x = inputs + self.gated_linear_unit(x)
        return self.layer_norm(x)


class VariableSelection(layers.Layer):
    def __init__(self, num_features, units, dropout_rate):
        super().__init__()
        self.units = units
        self.grns = [GatedResidualNetwork(units, dropout_rate) for _ in range(num_features)]
        self.grn_concat = GatedResidualNetwork(units, dropout_rate)
        self.softmax = layers.Dense(units=num_features, activation="softmax")

    def call(self, inputs):
        v = self.grn_concat(layers.concatenate(inputs))
        v = ops.expand_dims(self.softmax(v), axis=-1)
        x = ops.stack([grn(feature) for grn, feature in zip(self.grns, inputs)], axis=1)
        return ops.squeeze(ops.matmul(ops.transpose(v, axes=[0, 2, 1]), x), axis=1)


rng = np.random.RandomState(22)
inputs = [keras.Input((2,), name=n) for n in ("a", "b", "c")]
features = VariableSelection(3, 4, 0.0)(inputs)
model = keras.Model(inputs, layers.Dense(units=1, activation="sigmoid")(features))
model.set_weights([rng.normal(0, 0.4, w.shape) for w in model.get_weights()])
model.compile(keras.optimizers.Adamax(0.01), keras.losses.BinaryFocalCrossentropy(),
              metrics=[keras.metrics.BinaryAccuracy(name="accuracy"), keras.metrics.F1Score(threshold=0.5)])
x = {n: rng.rand(12, 2).astype("float32") for n in ("a", "b", "c")}
history = model.fit(x, rng.randint(0, 2, (12, 1)).astype("float32"), batch_size=6, epochs=4, shuffle=False, verbose=0,
                    class_weight={0: 1.0, 1: 3.0}).history
print("values:", *history["loss"], *history["accuracy"], float(history["f1_score"][-1][0]))
