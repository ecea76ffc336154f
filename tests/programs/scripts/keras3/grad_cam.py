"""Where a network looks: gradients of the winning class with respect to the last feature maps."""
import numpy as np
import tensorflow as tf

import keras
from keras import layers

rng = np.random.RandomState(14)
inputs = keras.Input((10, 10, 3))
x = layers.Conv2D(4, 3, activation="relu", name="first")(inputs)
x = layers.Conv2D(5, 3, activation="relu", name="last_conv")(x)
x = layers.GlobalAveragePooling2D()(x)
model = keras.Model(inputs, layers.Dense(3, activation="softmax")(x))
model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.get_weights()])


def make_gradcam_heatmap(img_array, model, last_conv_layer_name, pred_index=None):
    grad_model = keras.models.Model(model.inputs, [model.get_layer(last_conv_layer_name).output, model.output])
    with tf.GradientTape() as tape:
        last_conv_layer_output, preds = grad_model(img_array)
        if pred_index is None:
            pred_index = tf.argmax(preds[0])
        class_channel = preds[:, pred_index]
    grads = tape.gradient(class_channel, last_conv_layer_output)
    pooled_grads = tf.reduce_mean(grads, axis=(0, 1, 2))
    heatmap = last_conv_layer_output[0] @ pooled_grads[..., tf.newaxis]
    heatmap = tf.squeeze(heatmap)
    heatmap = tf.maximum(heatmap, 0) / tf.math.reduce_max(heatmap)
    return heatmap.numpy()


image = rng.rand(1, 10, 10, 3).astype("float32")
model.layers[-1].activation = None
heatmap = make_gradcam_heatmap(image, model, "last_conv")
other = make_gradcam_heatmap(image, model, "first", pred_index=1)
jet = keras.utils.array_to_img(np.stack([np.uint8(255 * heatmap)] * 3, -1)).resize((10, 10))
values = [heatmap.mean(), heatmap.std(), other.mean(), other.std(), keras.utils.img_to_array(jet).mean()]
print("values:", *values, *heatmap[2])
