"""Pictures and predictions around the image models, and what the models refuse."""
import importlib
import json

import numpy as np
import pytest

import kgraph
from kgraph import applications
from kgraph.applications import imagenet_utils

PIXELS = np.arange(24, dtype="float32").reshape(2, 2, 2, 3) * 10


@pytest.mark.parametrize("mode,expected", [     # of the last pixel: 210, 220, 230
    ("tf", [210 / 127.5 - 1, 220 / 127.5 - 1, 230 / 127.5 - 1]),
    ("torch", [(210 / 255 - 0.485) / 0.229, (220 / 255 - 0.456) / 0.224, (230 / 255 - 0.406) / 0.225]),
    ("caffe", [230 - 103.939, 220 - 116.779, 210 - 123.68]),
])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("rank", [3, 4])
@pytest.mark.parametrize("kind", ["float32", "float64", "uint8", "tensor", "int tensor", "symbolic"])
def test_preprocess_input(mode, expected, data_format, rank, kind):
    first = data_format == "channels_first"
    x = PIXELS if rank == 4 else PIXELS[1]
    x = np.moveaxis(x, -1, -3) if first else x
    x = x.astype({"float64": "float64", "uint8": "uint8", "int tensor": "int32"}.get(kind, "float32"))
    if kind == "symbolic":
        inputs = kgraph.Input(x.shape[1:], batch_size=x.shape[0])
        model = kgraph.Model(inputs, imagenet_utils.preprocess_input(inputs, data_format, mode))
        y = model.call(kgraph.ops.convert_to_tensor(x))
    else:
        x = kgraph.ops.convert_to_tensor(x) if "tensor" in kind else x
        y = imagenet_utils.preprocess_input(x, data_format, mode)
    assert str(y.dtype) == ("float64" if kind == "float64" else "float32")
    y = np.asarray(y)[-1] if rank == 4 else np.asarray(y)
    np.testing.assert_allclose(y[:, -1, -1] if first else y[-1, -1], expected, rtol=1e-5)


def test_preprocess_input_writes_over_a_float_array_as_keras_does():
    x = PIXELS.copy()
    assert np.shares_memory(applications.vgg16.preprocess_input(x), x)
    assert x[0, 0, 0, 0] == np.float32(0 - 123.68)
    kept = PIXELS.astype("int64")
    applications.vgg16.preprocess_input(kept)
    np.testing.assert_array_equal(kept, PIXELS)
    fixed = PIXELS.copy()
    fixed.flags.writeable = False
    assert applications.resnet_v2.preprocess_input(fixed)[0, 0, 0, 0] == -1


@pytest.mark.parametrize("module,mode", [("vgg19", "caffe"), ("resnet50", "caffe"), ("densenet", "torch"),
                                         ("xception", "tf"), ("nasnet", "tf"), ("convnext", None),
                                         ("efficientnet", None), ("efficientnet_v2", None), ("mobilenet_v3", None)])
def test_each_module_standardizes_as_its_models_were_trained(module, mode):
    found = getattr(applications, module).preprocess_input(PIXELS.copy())
    expected = PIXELS if mode is None else imagenet_utils.preprocess_input(PIXELS.copy(), mode=mode)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", ["obtain_input_shape", "_obtain_input_shape"])
def test_programs_that_build_such_models_find_the_shape_of_their_pictures(name):
    kgraph.install_as_keras()
    try:
        found = getattr(importlib.import_module("keras.src.applications.imagenet_utils"), name)
        assert found is getattr(importlib.import_module("tensorflow.keras.applications.imagenet_utils"), name)
    finally:
        kgraph.uninstall_as_keras()
    assert found((40, 37, 1), default_size=224, min_size=32, data_format="channels_last", require_flatten=True,
                 weights=None) == (40, 37, 1)
    assert found(None, 224, 32, "channels_first", False) == (3, None, None)
    assert found(None, 224, 32, "channels_first", True, weights="imagenet") == (3, 224, 224)


def test_preprocess_input_refuses():
    with pytest.raises(ValueError, match="expected mode 'caffe', 'tf' or 'torch', received 'keras'"):
        imagenet_utils.preprocess_input(PIXELS, mode="keras")
    with pytest.raises(ValueError, match="data_format"):
        imagenet_utils.preprocess_input(PIXELS, data_format="last")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache folder, and no network."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr("urllib.request.urlopen", _no_network)
    monkeypatch.setattr(imagenet_utils, "_class_index", {})
    return tmp_path


def _no_network(address, timeout=None):
    raise ConnectionError("no network")


def test_decode_predictions(cache, monkeypatch):
    scores = np.zeros((2, 1000), "float32")
    scores[0, [7, 5, 900]] = 0.5, 0.3, 0.2
    scores[1, 999] = 1
    with pytest.raises(OSError, match=r"imagenet_class_index.json.*put it at .*models.imagenet_class_index.json"):
        applications.resnet50.decode_predictions(scores)
    folder = cache / "models"
    folder.mkdir(exist_ok=True)
    (folder / "imagenet_class_index.json").write_text(json.dumps({i: [f"n{i}", f"thing{i}"] for i in range(1000)}))
    name, address, _ = imagenet_utils._INDEX
    with pytest.raises(OSError, match="cannot download"):   # the file there is another
        applications.resnet50.decode_predictions(scores)
    monkeypatch.setattr(imagenet_utils, "_INDEX", (name, address, None))
    found = applications.resnet50.decode_predictions(scores, top=3)
    assert [row[0] for row in found] == [("n7", "thing7", np.float32(0.5)), ("n999", "thing999", np.float32(1))]
    assert [x[0] for x in found[0]] == ["n7", "n5", "n900"] and len(found[1]) == 3
    assert imagenet_utils.decode_predictions(kgraph.ops.convert_to_tensor(scores), top=1)[1][0][0] == "n999"
    with pytest.raises(ValueError, match=r"shape \(samples, 1000\), received shape \(2, 10\)"):
        imagenet_utils.decode_predictions(scores[:, :10])


@pytest.mark.parametrize("title,arguments,name,address", [
    ("MobileNet", {"alpha": 0.25, "input_shape": (128, 128, 3)}, "mobilenet_2_5_128_tf.h5",
     "tensorflow/keras-applications/mobilenet/"),
    ("MobileNetV2", {"alpha": 0.35, "include_top": False, "input_shape": (96, 96, 3)},
     "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_96_no_top.h5",
     "tensorflow/keras-applications/mobilenet_v2/"),
    ("MobileNetV3Small", {"minimalistic": True, "input_shape": (224, 224, 3)},
     "weights_mobilenet_v3_small_minimalistic_224_1.0_float.h5", "tensorflow/keras-applications/mobilenet_v3/"),
    ("ResNet50", {"include_top": False}, "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "tensorflow/keras-applications/resnet/"),
    ("EfficientNetB0", {"name": "mine"}, "efficientnetb0.h5", "keras-applications/"),
    ("EfficientNetV2B0", {}, "efficientnetv2-b0.h5", "tensorflow/keras-applications/efficientnet_v2/"),
    ("NASNetMobile", {}, "nasnet_mobile.h5", "tensorflow/keras-applications/nasnet/NASNet-mobile.h5"),
])
def test_weights_that_are_not_there_are_named(title, arguments, name, address, cache):
    with pytest.raises(OSError) as caught:
        getattr(applications, title)(**arguments)
    assert f"put it at {cache / 'models' / name}" in str(caught.value)
    whole = address if address.endswith(".h5") else address + name
    assert f"https://storage.googleapis.com/{whole} (no network)" in str(caught.value)


REFUSED = [
    ("VGG16", {"weights": "nowhere.h5"}, "expected weights None, 'imagenet' or the path of a file, received 'nowhere"),
    ("ResNet50", {"classes": 10}, "expected classes=1000 with include_top=True"),
    ("ResNet50", {"classifier_activation": "relu"}, "expected classifier_activation None or 'softmax'"),
    ("ResNet50", {"input_shape": (96, 96, 3)}, r"expected input_shape=\(224, 224, 3\)"),
    ("ResNet50", {"weights": None, "input_shape": (31, 96, 3)}, "at least 32x32"),
    ("Xception", {"weights": None, "input_shape": (70, 96, 3)}, "at least 71x71"),
    ("ResNet50", {"weights": None, "input_shape": (96, 96)}, "three sizes"),
    ("ResNet50", {"weights": None, "input_shape": (None, 96, 3)}, "known sizes, because include_top is true"),
    ("ResNet50", {"include_top": False, "input_shape": (96, 96, 4)}, "3 channels"),
    ("MobileNet", {"alpha": 0.3}, "expected alpha to be one of 0.25, 0.5, 0.75, 1.0"),
    ("MobileNet", {"depth_multiplier": 2}, "depth_multiplier=1"),
    ("MobileNetV2", {"alpha": 0.25}, "alpha"),
    ("MobileNetV3Large", {"minimalistic": True, "alpha": 0.75}, "expected alpha to be one of 1.0"),
    ("MobileNetV3Small", {"weights": None, "input_shape": (16, 64, 3)}, "at least 32x32"),
    ("NASNetLarge", {"include_top": False, "input_shape": (None, None, 3)}, "known sizes"),
    ("MobileNetV2", {"weights": None, "input_tensor": np.zeros(3), "input_shape": (96, 96, 3)}, "KTensor"),
    ("MobileNetV2", {"weights": None, "input_tensor": (64, 64, 3), "input_shape": (96, 96, 3)}, "to have the shape"),
]


@pytest.mark.parametrize("title,arguments,message", REFUSED)
def test_refused(title, arguments, message, cache):
    if isinstance(arguments.get("input_tensor"), tuple):
        arguments = {**arguments, "input_tensor": kgraph.Input(arguments["input_tensor"])}
    with pytest.raises(ValueError, match=message):
        getattr(applications, title)(**arguments)


@pytest.mark.parametrize("title", ["DenseNet121", "ConvNeXtTiny", "NASNetMobile"])
def test_channels_first_is_refused_where_keras_has_none(title, monkeypatch):
    monkeypatch.setattr(kgraph.config, "image_data_format", lambda: "channels_first")
    with pytest.raises(ValueError, match="channels_last"):
        getattr(applications, title)(weights=None)


def test_misspelled():
    with pytest.raises(TypeError, match="MobileNet: unknown argument 'alfa'.*Did you mean 'alpha'"):
        applications.MobileNet(alfa=1)
    with pytest.raises(AttributeError, match="Did you mean 'Xception'"):
        applications.__getattr__("Xeption")
