"""Layers and training under the policies of 16 bits, as Keras has them: outputs, their dtypes, and losses.

    KERAS_BACKEND=tensorflow python tests/oracle/ask.py narrow_layers
"""
import numpy as np

MIXED = ("mixed_bfloat16", "mixed_float16")
POLICIES = (*MIXED, "bfloat16")  # where TensorFlow cannot make the initial weights of all layers
LAYERS = """Dense(4, activation="relu") | 3 5; Dense(3, activation="softmax") | 3 5
Conv2D(4, 3, padding="same") | 2 6 6 3
DepthwiseConv2D(3) | 2 6 6 3; SeparableConv1D(4, 3) | 2 7 3; Conv2DTranspose(3, 2, strides=2) | 2 4 4 2
BatchNormalization() | 4 5; LayerNormalization() | 4 5; GroupNormalization(2) | 3 5 4; UnitNormalization() | 3 5
RMSNormalization() | 4 6; Embedding(7, 4) | i 3 5; PReLU() | 3 4; Softmax() | 3 4; LSTM(4) | 2 5 3; GRU(4) | 2 5 3
SimpleRNN(4, return_sequences=True) | 2 5 3; Bidirectional(l.LSTM(3)) | 2 5 3; EinsumDense("ab,bc->ac", 4) | 3 5
MaxPooling2D() | 2 6 6 3; AveragePooling1D(2) | 2 6 3; GlobalAveragePooling2D() | 2 6 6 3; Rescaling(0.5, 1) | 3 4
Flatten() | 2 3 4; Dropout(0.5) | 3 4; Activation("gelu") | 3 4; LeakyReLU() | 3 4
Normalization(mean=1., variance=4.) | 3 4
ConvLSTM1D(3, 2) | 2 3 6 2; TimeDistributed(l.Dense(3)) | 2 4 3; UpSampling2D() | 2 3 3 2; ZeroPadding1D(1) | 2 3 2"""


def cases_of_layers() -> list:
    return [tuple(c.strip() for c in case.split("|")) for line in LAYERS.split("\n") for case in line.split("; ")]


def numbers(shape: str):
    """The input of a case: whole numbers where its shape begins with i."""
    rng, sizes = np.random.default_rng(5), [int(n) for n in shape.removeprefix("i").split()]
    return rng.integers(0, 7, sizes) if shape.startswith("i") else rng.normal(size=sizes).astype("float32")


def set_weights(layer):
    rng = np.random.default_rng(6)
    layer.set_weights([np.abs(rng.normal(size=v.shape)) * 0.3 + 0.2 if "variance" in v.path or "gamma" in v.path else
                       rng.normal(size=v.shape) * 0.4 for v in layer.weights])


def run_layer(library, text, shape, policy):
    names = {"l": library.layers, "policy": policy}
    layer = eval(f"l.{text[:-1]}{'' if text.endswith('()') else ', '}dtype=policy)", names)
    x = numbers(shape)
    layer(x)
    set_weights(layer)
    return layer(x)


def trained(library, policy, eager=False):
    """Losses of six steps of a small model."""
    library.config.set_dtype_policy(policy)
    try:
        l = library.layers
        model = library.Sequential([l.Input((8,)), l.Dense(16, activation="relu"), l.LayerNormalization(),
                                    l.Dense(12, activation="tanh"), l.BatchNormalization(),
                                    l.Dense(3, activation="softmax", dtype="float32")])
    finally:
        library.config.set_dtype_policy("float32")
    set_weights(model)
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=(24, 8)).astype("float32"), rng.integers(0, 3, 24)
    model.compile(library.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy", run_eagerly=eager)
    return np.array([float(model.train_on_batch(x, y)) for _ in range(6)])


def all_cases() -> dict:
    found = {}
    for policy in POLICIES:
        for text, shape in cases_of_layers() if policy in MIXED else ():
            found[f"{policy} {text}"] = lambda keras, case=(text, shape, policy): np.asarray(
                keras.ops.cast(run_layer(keras, *case), "float32"))
            found[f"{policy} {text} dtype"] = lambda keras, case=(text, shape, policy): keras.backend.standardize_dtype(
                run_layer(keras, *case).dtype)
        found[f"{policy} losses"] = lambda keras, policy=policy: trained(keras, policy)
    return found
