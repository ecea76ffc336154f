"""Users and films as vectors: what they like is a dot product with biases."""
import numpy as np

import keras
from keras import layers, ops


class RecommenderNet(keras.Model):
    def __init__(self, num_users, num_movies, embedding_size, **kwargs):
        super().__init__(**kwargs)
        setup = dict(embeddings_initializer="he_normal", embeddings_regularizer=keras.regularizers.l2(1e-3))
        self.user_embedding = layers.Embedding(num_users, embedding_size, **setup)
        self.user_bias = layers.Embedding(num_users, 1)
        self.movie_embedding = layers.Embedding(num_movies, embedding_size, **setup)
        self.movie_bias = layers.Embedding(num_movies, 1)

    def call(self, inputs):
        user_vector = self.user_embedding(inputs[:, 0])
        user_bias = self.user_bias(inputs[:, 0])
        movie_vector = self.movie_embedding(inputs[:, 1])
        movie_bias = self.movie_bias(inputs[:, 1])
        dot_user_movie = ops.tensordot(user_vector, movie_vector, 2)
        return ops.nn.sigmoid(dot_user_movie + user_bias + movie_bias)


rng = np.random.RandomState(6)
x = np.stack([rng.randint(0, 7, 32), rng.randint(0, 9, 32)], axis=1)
y = rng.rand(32)
model = RecommenderNet(7, 9, 3)
model.compile(loss=keras.losses.BinaryCrossentropy(), optimizer=keras.optimizers.SGD(0.5, momentum=0.9, nesterov=True))
model(x[:2])
model.set_weights([rng.normal(0, 0.2, w.shape) for w in model.get_weights()])
history = model.fit(x, y, batch_size=8, epochs=4, verbose=0, shuffle=False, validation_data=(x[:16], y[:16]))
scores = model.predict(x[:5], verbose=0).flatten()
print("values:", *history.history["loss"], *history.history["val_loss"], *scores.argsort()[-3:][::-1])
