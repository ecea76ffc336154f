"""The image models of Keras: their structure, what they give for fixed weights, the losses of two training steps.

    KERAS_BACKEND=tensorflow python tests/oracle/applications.py [structure variants outputs losses ...]

in an environment with Keras 3.15.1 (no dependency) writes these parts, or all, into tests/data/applications.json. The
functions here ask either library, K. With `files FOLDER` it saves a model of each family, a gigabyte in all, for

    KGRAPH_KERAS_FILES=FOLDER pytest tests/applications/test_structure.py -k families
"""
from __future__ import annotations

import hashlib
import importlib
import inspect
import json
import re
import sys
import zipfile
from pathlib import Path

import numpy as np

DATA = Path(__file__).parents[1] / "data" / "applications.json"
FILE = DATA.with_name("mobilenet.keras")
MODULES = ("convnext densenet efficientnet efficientnet_v2 inception_resnet_v2 inception_v3 mobilenet mobilenet_v2 "
           "mobilenet_v3 nasnet resnet resnet50 resnet_v2 vgg16 vgg19 xception").split()
FAMILIES = ("ConvNeXtTiny", "DenseNet121", "EfficientNetB0", "EfficientNetV2B0", "InceptionResNetV2", "InceptionV3",
            "MobileNet", "MobileNetV2", "MobileNetV3Small", "NASNetMobile", "ResNet50", "ResNet50V2", "VGG16",
            "Xception")
DEEP = ("EfficientNetV2M", "EfficientNetV2L")   # their residual sums would grow until gates open and close
SMALLEST = {"InceptionV3": 75, "InceptionResNetV2": 75, "Xception": 71}
SCALING = ("ConvNeXt", "EfficientNet", "MobileNetV3")      # they take pixels from 0 to 255
VARIANTS = [   # (model, arguments) beside the defaults of each
    *[(name, {"include_top": False, "pooling": "avg", "input_shape": (96, 80, 3)}) for name in (
        "ConvNeXtTiny", "DenseNet121", "EfficientNetB0", "EfficientNetV2B0", "EfficientNetV2S", "InceptionResNetV2",
        "InceptionV3", "MobileNet", "MobileNetV2", "MobileNetV3Small", "NASNetMobile", "ResNet50", "ResNet50V2",
        "VGG16", "Xception")],
    *[(name, {"include_top": False, "pooling": "max"}) for name in ("DenseNet121", "MobileNetV2", "ResNet50", "VGG19")],
    ("MobileNet", {"alpha": 0.25, "input_shape": (128, 128, 3), "depth_multiplier": 2, "dropout": 0.5, "classes": 7}),
    ("MobileNetV2", {"alpha": 0.35, "input_shape": (96, 96, 1), "name": "narrow"}),
    ("MobileNetV2", {"alpha": 1.4, "classifier_activation": None}),
    ("MobileNetV3Small", {"alpha": 0.75, "minimalistic": True, "dropout_rate": 0, "include_preprocessing": False}),
    ("MobileNetV3Large", {"alpha": 1.3, "minimalistic": True, "input_shape": (64, 64, 3)}),
    ("EfficientNetB0", {"input_shape": (65, 66, 1), "classes": 3}),
    ("EfficientNetV2B2", {"include_preprocessing": False, "input_shape": (65, 66, 1)}),
    ("ConvNeXtTiny", {"include_preprocessing": False, "name": "own", "include_top": False}),
]


def titles(K) -> list:
    return sorted(name for name in dir(K.applications) if name[0].isupper())


def draw_nothing(K):
    """From now on fresh weights are zeros, which cost nothing."""
    for name in ("RandomNormal", "VarianceScaling"):
        getattr(K.initializers, name).__call__ = lambda self, shape, dtype=None: np.zeros(shape, dtype or "float32")


def digest(x) -> str:
    return hashlib.sha256(json.dumps(x, sort_keys=True).encode()).hexdigest()[:12]


def structure(K, title, **arguments) -> dict:
    """What a model is made of."""
    K.utils.clear_session()
    model = getattr(K.applications, title)(weights=None, **arguments)
    weights = [[*_place(w), list(w.shape), w.trainable] for w in model.weights]
    return {"name": model.name, "layers": digest([x.name for x in model.layers]), "shape": list(model.output_shape),
            "weights": digest(weights), "count": model.count_params(),
            "config": digest(_kept(json.loads(json.dumps(model.get_config()))))}


def _place(weight):
    """(layer, name) of a weight. Before these the path has name scopes; names that were not given are counted."""
    layer, name = weight.path.split("/")[-2:]
    return layer, re.sub(r"^variable_\d+$", "variable", name)


def _kept(config):
    """What decides what is computed: the libraries build, compile and pass masks each in their way."""
    if isinstance(config, dict):
        return {k: _kept(v) for k, v in config.items() if k not in ("build_config", "compile_config", "kwargs")}
    return [_kept(x) for x in config] if isinstance(config, list) else config


def signatures(K) -> dict:
    """The parameters of the public functions of each module."""
    found = {}
    for name in MODULES:
        module = getattr(K.applications, name)
        public = [x for x in dir(module) if x[0].isupper() and inspect.isfunction(getattr(module, x))]
        found[name] = {x: str(inspect.signature(getattr(module, x)))
                       for x in (*public, "decode_predictions", "preprocess_input")}
    return found


# ------------------------------------------------------------------ numbers
def ready(K, title, count=2, size=48):
    """A model for small pictures with all its weights set, batch statistics too, and without dropout; and pictures."""
    K.utils.clear_session()
    size = SMALLEST.get(title, size)
    model = getattr(K.applications, title)(weights=None, include_top=False, pooling="avg", input_shape=(size, size, 3))
    for place, weight in enumerate(model.weights):
        quiet = 0.3 if title in DEEP and "project_conv" in weight.path else 1
        weight.assign(quiet * values(weight, np.random.default_rng(place)))
    for layer in model.layers:
        if type(layer).__name__ == "Dropout":
            layer.rate = 0
        if layer.name == "normalization" and layer.weights:
            layer.finalize_state()     # Keras takes the numbers over here
    pictures = np.random.default_rng(5).uniform(0, 255, (count, size, size, 3)).astype("float32")
    return model, pictures if title.startswith(SCALING) else pictures / 127.5 - 1


def values(weight, rng):
    """What the place and the name of a weight decide; activations keep their size from layer to layer."""
    shape, (layer, name) = tuple(weight.shape), _place(weight)
    drawn = rng.standard_normal(shape, dtype="float32") if shape else np.float32(0)
    if layer == "normalization":
        return {"mean": 0.5, "variance": 0.08}.get(name, 0) + 0 * drawn
    if name in ("moving_variance", "gamma", "variance", "variable"):
        return 1 + 0.2 * np.tanh(drawn)
    if "kernel" not in name:
        return 0.1 * drawn
    windows = shape[:2] if name == "depthwise_kernel" or "dw" in layer or "depthwise" in layer else shape[:-1]
    gain = 0.02 if "se_" in layer or "squeeze" in layer else 2     # gates that open and close amplify rounding
    return drawn * np.float32((gain / np.prod(windows)) ** 0.5)


def outputs(K, title) -> list:
    """Some of what a model gives for two pictures."""
    model, pictures = ready(K, title)
    y = K.ops.convert_to_numpy(model(K.ops.convert_to_tensor(pictures), training=False))
    return some(y)


def some(y) -> list:
    return y[:, ::y.shape[1] // 8].astype("float64").tolist()


def losses(K, title) -> list:
    """Of two steps of training a model with a classifier on top. In float64: batch statistics of few values and deep
    gradients make so much of rounding that in float32 each library, and each order of sums, has losses of its own.
    (Four ConvNeXts, which have no batch statistics, were asked in float32: TensorFlow takes minutes otherwise.)"""
    K.config.set_floatx("float64")
    try:
        body, pictures = ready(K, title, count=4, size=64)
        scores = K.layers.Dense(3, activation="softmax")(K.layers.LayerNormalization()(body.output))
        model = K.Model(body.input, scores)
        features = body.output.shape[1]
        model.layers[-1].kernel.assign(np.random.default_rng(7).standard_normal((features, 3)) / features ** 0.5)
        model.compile(K.optimizers.SGD(1e-5), "sparse_categorical_crossentropy", run_eagerly=True)
        return [float(model.train_on_batch(pictures, np.array([2, 0, 1, 2]))) for _ in range(2)]
    finally:
        K.config.set_floatx("float32")


def small_file(K) -> list:
    """Write the file of a very narrow MobileNet; what it gives."""
    K.utils.clear_session()
    model = K.applications.MobileNet(weights=None, alpha=1 / 32, include_top=False, pooling="max",
                                     input_shape=(33, 35, 3))
    for place, weight in enumerate(model.weights):
        weight.assign(values(weight, np.random.default_rng(place)))
    model.save(FILE)
    with zipfile.ZipFile(FILE) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(FILE, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return K.ops.convert_to_numpy(model(K.ops.convert_to_tensor(small_pictures()))).astype("float64").tolist()


def family_files(K, folder):
    """Save a model of each family, with what it gives."""
    Path(folder).mkdir(exist_ok=True)
    for title in FAMILIES:
        model, pictures = ready(K, title)
        y = K.ops.convert_to_numpy(model(K.ops.convert_to_tensor(pictures), training=False))
        np.savez(Path(folder, f"{title}.npz"), pictures=pictures, y=y)
        for suffix in ("keras", "h5"):
            model.save(Path(folder, f"{title}.{suffix}"))
        print(title, flush=True)


def small_pictures():
    return np.random.default_rng(5).uniform(-1, 1, (2, 33, 35, 3)).astype("float32")


def main(parts):
    keras = importlib.import_module("keras")
    draw_nothing(keras)
    if parts[:1] == ["files"]:
        return family_files(keras, parts[1])
    found = json.loads(DATA.read_text()) if DATA.exists() else {}
    per_title = {"structure": structure, "outputs": outputs, "losses": losses}
    for part in parts or ("signatures", "small_file", "variants", *per_title):
        if part in ("signatures", "small_file"):
            found[part] = {"signatures": signatures, "small_file": small_file}[part](keras)
        elif part == "variants":
            found[part] = [structure(keras, title, **arguments) for title, arguments in VARIANTS]
        else:
            found[part] = {}
            for title in titles(keras):
                found[part][title] = per_title[part](keras, title)
                print(part, title, flush=True)
        DATA.write_text(json.dumps(found, indent=0))
    print(f"Keras {keras.__version__}: {DATA}, {DATA.stat().st_size} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
