"""Letters out of a strip of pixels without knowing where each lies: the loss is added by a layer, the best path decoded."""
import numpy as np

import keras
from keras import layers, ops


class CTCLayer(layers.Layer):
    def call(self, y_true, y_pred):
        batch_len = ops.cast(ops.shape(y_true)[0], dtype="int32")
        label_length = ops.cast(ops.shape(y_true)[1], dtype="int32") * ops.ones((batch_len,), "int32")
        input_length = ops.cast(ops.shape(y_pred)[1], dtype="int32") * ops.ones((batch_len,), "int32")
        self.add_loss(ops.mean(ops.ctc_loss(y_true, y_pred, label_length, input_length, mask_index=0)))
        return y_pred


rng = np.random.RandomState(13)
input_img = layers.Input(shape=(8, 4, 1), name="image", dtype="float32")
labels = layers.Input(name="label", shape=(3,), dtype="int32")
x = layers.Conv2D(2, (3, 3), activation="relu", kernel_initializer="he_normal", padding="same", name="Conv1")(input_img)
x = layers.MaxPooling2D((1, 2), name="pool1")(x)
x = layers.Reshape(target_shape=(8, 4), name="reshape")(x)
x = layers.Bidirectional(layers.LSTM(3, return_sequences=True, dropout=0.0))(x)
x = layers.Dense(5, name="dense2")(x)
output = CTCLayer(name="ctc_loss")(labels, x)
model = keras.Model(inputs=[input_img, labels], outputs=output)
model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.get_weights()])
model.compile(optimizer=keras.optimizers.Adam(0.05))
images, targets = rng.rand(6, 8, 4, 1).astype("float32"), rng.randint(1, 5, (6, 3))
history = model.fit({"image": images, "label": targets}, epochs=4, batch_size=3, shuffle=False, verbose=0)
prediction_model = keras.Model(model.input[0], model.get_layer(name="dense2").output)
logits = prediction_model.predict(images, verbose=0)
decoded, scores = ops.ctc_decode(logits, np.full(6, 8), strategy="greedy", mask_index=0)
print("values:", *history.history["loss"], *ops.convert_to_numpy(decoded[0])[0], *ops.convert_to_numpy(scores)[:2, 0])
