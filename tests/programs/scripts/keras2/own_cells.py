"""A cell with layer normalisation inside an RNN layer, dropout that stays on where asked, a max norm."""
import numpy as np
import tensorflow as tf
from tensorflow import keras


class LNSimpleRNNCell(keras.layers.Layer):
    def __init__(self, units, activation="tanh", **kwargs):
        super().__init__(**kwargs)
        self.state_size = units
        self.output_size = units
        self.simple_rnn_cell = keras.layers.SimpleRNNCell(units, activation=None)
        self.layer_norm = keras.layers.LayerNormalization()
        self.activation = keras.activations.get(activation)

    def get_initial_state(self, inputs=None, batch_size=None, dtype=None):
        if inputs is not None:
            batch_size = tf.shape(inputs)[0]
            dtype = inputs.dtype
        return [tf.zeros([batch_size, self.state_size], dtype=dtype)]

    def call(self, inputs, states):
        outputs, new_states = self.simple_rnn_cell(inputs, states)
        norm_outputs = self.activation(self.layer_norm(outputs))
        return norm_outputs, [norm_outputs]


class MCDropout(keras.layers.Dropout):
    def call(self, inputs):
        return super().call(inputs, training=True)


rng = np.random.RandomState(18)
model = keras.models.Sequential([
    keras.layers.RNN(LNSimpleRNNCell(5), return_sequences=True, input_shape=[None, 2]),
    keras.layers.RNN(LNSimpleRNNCell(4)),
    MCDropout(rate=0.0),
    keras.layers.Dense(3, activation="elu", kernel_constraint=keras.constraints.max_norm(0.8)),
    keras.layers.Dense(1)])
model.set_weights([rng.normal(0, 0.4, w.shape) for w in model.get_weights()])
model.compile(loss="mse", optimizer=keras.optimizers.SGD(learning_rate=0.05, momentum=0.9, nesterov=True))
X = rng.normal(0, 1, (20, 7, 2)).astype("float32")
Y = X.sum(axis=(1, 2))
history = model.fit(X, Y, epochs=4, batch_size=5, shuffle=False, verbose=0, validation_split=0.25).history
y_probas = np.stack([model.predict(X[:2], verbose=0) for sample in range(2)])
print("values:", *history["loss"], *history["val_loss"], y_probas.std(axis=0).max(), y_probas.mean(),
      np.linalg.norm(model.layers[3].get_weights()[0], axis=0).max())
