"""Tickets with title, body and tags to a priority and a department: several inputs, two outputs, weights of losses."""
import numpy as np

import keras
from keras import layers

title_input = keras.Input(shape=(None,), name="title")
body_input = keras.Input(shape=(None,), name="body")
tags_input = keras.Input(shape=(5,), name="tags")
title_features = layers.LSTM(4)(layers.Embedding(30, 6)(title_input))
body_features = layers.GRU(3)(layers.Embedding(30, 6, mask_zero=True)(body_input))
x = layers.concatenate([title_features, body_features, tags_input])
priority_pred = layers.Dense(1, name="priority")(x)
department_pred = layers.Dense(4, name="department")(x)
model = keras.Model(inputs=[title_input, body_input, tags_input],
                    outputs={"priority": priority_pred, "department": department_pred})
model.compile(
    optimizer=keras.optimizers.SGD(0.2, momentum=0.5),
    loss={"priority": keras.losses.BinaryCrossentropy(from_logits=True),
          "department": keras.losses.CategoricalCrossentropy(from_logits=True)},
    loss_weights={"priority": 1.0, "department": 0.2},
    metrics={"priority": ["mae"], "department": ["accuracy"]})
rng = np.random.RandomState(10)
model.set_weights([rng.normal(0, 0.3, w.shape) for w in model.get_weights()])
title = rng.randint(30, size=(10, 4))
body = rng.randint(30, size=(10, 7)) * (np.arange(7) < 5)
tags = rng.randint(2, size=(10, 5)).astype("float32")
targets = {"priority": rng.randint(2, size=(10, 1)).astype("float32"),
           "department": np.eye(4, dtype="float32")[rng.randint(4, size=10)]}
history = model.fit({"title": title, "body": body, "tags": tags}, targets, epochs=2, batch_size=5, verbose=0,
                    shuffle=False).history
result = model.evaluate([title, body, tags], targets, return_dict=True, verbose=0)
names = ["loss", "priority_loss", "department_loss", "priority_mae", "department_accuracy"]
print("values:", *history["loss"], *[history[n][-1] for n in names], *[result[n] for n in names])
