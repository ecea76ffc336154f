"""Points without an order: shared dense layers, a maximum, and a small network whose matrix is kept near orthogonal."""
import numpy as np

import keras
from keras import layers, ops


class OrthogonalRegularizer(keras.regularizers.Regularizer):
    def __init__(self, num_features, l2reg=0.001):
        self.num_features = num_features
        self.l2reg = l2reg
        self.eye = ops.eye(num_features)

    def __call__(self, x):
        x = ops.reshape(x, (-1, self.num_features, self.num_features))
        xxt = ops.tensordot(x, x, axes=(2, 2))
        xxt = ops.reshape(xxt, (-1, self.num_features, self.num_features))
        return ops.sum(self.l2reg * ops.square(xxt - self.eye))

    def get_config(self):
        return {"num_features": self.num_features, "l2reg": self.l2reg}


def conv_bn(x, filters):
    x = layers.Conv1D(filters, kernel_size=1, padding="valid")(x)
    x = layers.BatchNormalization(momentum=0.0)(x)
    return layers.Activation("relu")(x)


def tnet(inputs, num_features):
    bias = keras.initializers.Constant(np.eye(num_features).flatten())
    x = layers.GlobalMaxPooling1D()(conv_bn(inputs, 4))
    x = layers.Dense(num_features * num_features, kernel_initializer="zeros", bias_initializer=bias,
                     activity_regularizer=OrthogonalRegularizer(num_features))(x)
    feat_T = layers.Reshape((num_features, num_features))(x)
    return layers.Dot(axes=(2, 1))([inputs, feat_T])


rng = np.random.RandomState(23)
inputs = keras.Input(shape=(6, 3))
x = conv_bn(tnet(inputs, 3), 4)
x = layers.GlobalMaxPooling1D()(x)
model = keras.Model(inputs, layers.Dense(2, activation="softmax")(x))
model.set_weights([rng.uniform(0.1, 0.5, w.shape) for w in model.get_weights()])
model.compile(loss="sparse_categorical_crossentropy", optimizer=keras.optimizers.SGD(0.01),
              metrics=["sparse_categorical_accuracy"])
history = model.fit(rng.rand(8, 6, 3), np.arange(8) % 2, batch_size=8, epochs=5, shuffle=False, verbose=0).history
print("values:", *history["loss"], *model.evaluate(rng.rand(8, 6, 3), np.arange(8) % 2, verbose=0))
