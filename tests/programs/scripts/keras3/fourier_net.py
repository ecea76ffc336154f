"""Words mixed by Fourier transforms in place of attention; learnt places, a mask, a norm by root mean squares."""
import numpy as np

import keras
from keras import layers, ops


class FNetEncoder(layers.Layer):
    def __init__(self, embed_dim, dense_dim, **kwargs):
        super().__init__(**kwargs)
        self.dense_proj = keras.Sequential([layers.Dense(dense_dim, activation="relu"), layers.Dense(embed_dim)])
        self.layernorm_1 = layers.LayerNormalization()
        self.layernorm_2 = layers.RMSNormalization()

    def call(self, inputs):
        fft_result = ops.fft2((inputs, ops.zeros_like(inputs)))[0]
        proj_input = self.layernorm_1(inputs + fft_result)
        return self.layernorm_2(proj_input + self.dense_proj(proj_input))


class PositionalEmbedding(layers.Layer):
    def __init__(self, sequence_length, vocab_size, embed_dim, **kwargs):
        super().__init__(**kwargs)
        self.token_embeddings = layers.Embedding(input_dim=vocab_size, output_dim=embed_dim)
        self.position_embeddings = layers.Embedding(input_dim=sequence_length, output_dim=embed_dim)

    def call(self, inputs):
        positions = ops.arange(0, ops.shape(inputs)[-1], 1)
        return self.token_embeddings(inputs) + self.position_embeddings(positions)

    def compute_mask(self, inputs, mask=None):
        return ops.not_equal(inputs, 0)


rng = np.random.RandomState(25)
tokens = rng.randint(0, 11, (12, 6))
inputs = keras.Input(shape=(None,), dtype="int64")
x = PositionalEmbedding(6, 11, 4)(inputs)
x = FNetEncoder(4, 6)(x)
x = layers.Attention(use_scale=True)([x, x])
x = layers.GlobalAveragePooling1D()(x)
model = keras.Model(inputs, layers.Dense(1)(x))
model.set_weights([rng.uniform(-0.5, 0.5, w.shape) for w in model.get_weights()])
model.compile(keras.optimizers.SGD(0.1), keras.losses.LogCosh(), metrics=[keras.metrics.R2Score(), "cosine_similarity"])
y = (tokens.sum(1, keepdims=True) / 30).astype("float32")
history = model.fit(tokens, y, batch_size=6, epochs=4, shuffle=False, verbose=0).history
print("values:", *history["loss"], *history["r2_score"], history["cosine_similarity"][0])
