"""Rows of a table with numbers and words: preprocessing layers inside the model, datasets of dictionaries."""
import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

rng = np.random.RandomState(16)
table = {"age": rng.randint(20, 80, 24).astype("float32"), "income": rng.rand(24).astype("float32") * 1000,
         "job": np.array(["cook", "smith", "nurse", "judge"])[rng.randint(0, 4, 24)], "children": rng.randint(0, 4, 24)}
target = rng.randint(0, 2, 24).astype("float32")
dataset = tf.data.Dataset.from_tensor_slices((table, target)).batch(8)


def encode_numerical_feature(feature, name, dataset):
    normalizer = layers.Normalization()
    feature_ds = dataset.map(lambda x, y: x[name])
    feature_ds = feature_ds.map(lambda x: tf.expand_dims(x, -1))
    normalizer.adapt(feature_ds)
    return normalizer(feature)


def encode_categorical_feature(feature, name, dataset, is_string):
    lookup_class = layers.StringLookup if is_string else layers.IntegerLookup
    lookup = lookup_class(output_mode="binary" if False else "multi_hot")
    feature_ds = dataset.map(lambda x, y: x[name])
    feature_ds = feature_ds.map(lambda x: tf.expand_dims(x, -1))
    lookup.adapt(feature_ds)
    return lookup(feature)


age = keras.Input(shape=(1,), name="age")
income = keras.Input(shape=(1,), name="income")
job = keras.Input(shape=(1,), name="job", dtype="string")
children = keras.Input(shape=(1,), name="children", dtype="int64")
all_inputs = [age, income, job, children]
buckets = layers.CategoryEncoding(num_tokens=4, output_mode="one_hot")(layers.Discretization([30., 45., 60.])(age))
all_features = layers.concatenate([
    encode_numerical_feature(age, "age", dataset), encode_numerical_feature(income, "income", dataset),
    encode_categorical_feature(job, "job", dataset, True),
    encode_categorical_feature(children, "children", dataset, False), buckets])
x = layers.Dense(8, activation="relu")(all_features)
model = keras.Model(all_inputs, layers.Dense(1, activation="sigmoid")(x))
dense = [layer for layer in model.layers if isinstance(layer, layers.Dense)]
for layer in dense:
    layer.set_weights([rng.normal(0, 0.3, w.shape) for w in layer.get_weights()])
model.compile("adam", "binary_crossentropy", metrics=["accuracy", keras.metrics.AUC(num_thresholds=50)])
history = model.fit(dataset, epochs=4, verbose=0).history
sample = {"age": 60, "income": 500., "job": "judge", "children": 2}
input_dict = {name: tf.convert_to_tensor([value]) for name, value in sample.items()}
print("values:", *history["loss"], *history["accuracy"], model.predict(input_dict, verbose=0)[0][0])
