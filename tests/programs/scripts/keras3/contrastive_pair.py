"""Two towers whose vectors should agree: a symmetric loss over a batch, a learnt temperature, dictionaries as inputs."""
import numpy as np

import keras
from keras import layers, ops


class DualEncoder(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.text = keras.Sequential([layers.Embedding(15, 6), layers.GlobalMaxPooling1D(), layers.Dense(4)])
        self.image = keras.Sequential([layers.Flatten(), layers.Dense(4, activation=layers.LeakyReLU(0.1))])
        self.log_scale = self.add_weight(shape=(), initializer=keras.initializers.Constant(1.0), name="log_scale")

    def call(self, features, training=False):
        return self.text(features["text"], training=training), self.image(features["image"], training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        text, image = (ops.normalize(v, axis=-1) for v in y_pred)
        logits = ops.matmul(text, ops.transpose(image)) * ops.exp(self.log_scale)
        targets = ops.softmax(ops.matmul(text, ops.transpose(text)) + ops.eye(ops.shape(text)[0]) * 3.0)
        one = ops.categorical_crossentropy(targets, logits, from_logits=True)
        other = ops.categorical_crossentropy(ops.transpose(targets), ops.transpose(logits), from_logits=True)
        return ops.mean(one + other) / 2


rng = np.random.RandomState(21)
data = {"text": rng.randint(0, 15, (12, 5)), "image": rng.rand(12, 3, 3, 1)}
model = DualEncoder()
model.compile(optimizer=keras.optimizers.SGD(0.3, momentum=0.5))
model({k: v[:2] for k, v in data.items()})
model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.get_weights()])
history = model.fit(data, epochs=4, batch_size=6, shuffle=False, verbose=0).history
text, image = model.predict(data, verbose=0)
print("values:", *history["loss"], float(model.log_scale.numpy()), np.abs(text).sum(), image.sum())
