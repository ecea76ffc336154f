"""Words hidden and guessed: an encoder with attention, a loss only where words were hidden, a vectorization layer."""
import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

texts = ["the cat sat on the mat", "a dog sat by the door", "the dog saw a cat", "on the door sat the cat"]
vectorize = layers.TextVectorization(max_tokens=14, output_mode="int", output_sequence_length=6, standardize="lower")
vectorize.adapt(texts)
encoded = vectorize(tf.constant(texts)).numpy()
hidden = np.zeros(encoded.shape, bool)
hidden[[0, 1, 2, 3, 3], [1, 2, 3, 0, 4]] = True
x_masked, weights = np.where(hidden, 13, encoded), hidden.astype("float32")
loss_fn = keras.losses.SparseCategoricalCrossentropy(reduction=tf.keras.losses.Reduction.NONE)
loss_tracker = tf.keras.metrics.Mean(name="loss")


class MaskedLanguageModel(tf.keras.Model):
    def train_step(self, inputs):
        features, labels, sample_weight = inputs
        with tf.GradientTape() as tape:
            predictions = self(features, training=True)
            loss = loss_fn(labels, predictions, sample_weight=sample_weight)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        loss_tracker.update_state(loss, sample_weight=sample_weight)
        return {"loss": loss_tracker.result()}

    @property
    def metrics(self):
        return [loss_tracker]


inputs = layers.Input((6,), dtype=tf.int64)
places = np.arange(6)[:, None] / np.array([[1.0, 10.0, 100.0, 1000.0]])
x = layers.Embedding(14, 4)(inputs) + tf.constant(np.sin(places), tf.float32)
attention = layers.MultiHeadAttention(num_heads=2, key_dim=2)(x, x, x)
x = layers.LayerNormalization(epsilon=1e-6)(x + layers.Dropout(0.0)(attention))
mlm_model = MaskedLanguageModel(inputs, layers.Dense(14, activation="softmax")(x), name="masked_bert_model")
rng = np.random.RandomState(21)
mlm_model.set_weights([rng.normal(0, 0.5, w.shape) for w in mlm_model.get_weights()])
mlm_model.compile(optimizer=keras.optimizers.SGD(0.1))
dataset = tf.data.Dataset.from_tensor_slices((x_masked, encoded, weights)).batch(2)
history = mlm_model.fit(dataset, epochs=4, verbose=0).history
vocabulary = vectorize.get_vocabulary()
print("values:", *history["loss"], len(vocabulary), encoded.sum(), vocabulary.index("cat"))
