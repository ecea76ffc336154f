"""What programs lean on in Keras 3.15.1: layers that count as built, what is refused and how, norms, zero rows."""
import inspect

import numpy as np
import pytest

import kgraph
from kgraph import layers, ops, optimizers

ARGUMENTS = {"Activation": ("relu",), "AlphaDropout": (0.1,), "Dropout": (0.1,), "GaussianDropout": (0.1,),
             "GaussianNoise": (0.1,), "Reshape": ((2,),), "SpatialDropout1D": (0.1,), "SpatialDropout2D": (0.1,),
             "SpatialDropout3D": (0.1,), "Dense": (2,), "Permute": ((1,),), "RepeatVector": (2,), "Rescaling": (1.0,)}
BUILT = set("""Activation ActivityRegularization AlphaDropout AveragePooling1D AveragePooling2D AveragePooling3D Dropout
    ELU GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D
    GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D Identity LeakyReLU Masking MaxPooling1D MaxPooling2D
    MaxPooling3D ReLU Reshape Softmax SpatialDropout1D SpatialDropout2D SpatialDropout3D UnitNormalization""".split())
OTHERS = set("Add BatchNormalization Concatenate Cropping1D Dense Flatten PReLU Permute RandomFlip RepeatVector "
             "Rescaling UpSampling2D ZeroPadding1D".split())


@pytest.mark.parametrize("name", sorted(BUILT | OTHERS))
def test_built_as_soon_as_made(name):
    layer = getattr(layers, name)(*ARGUMENTS.get(name, ()))
    assert layer.built == (name in BUILT)


def test_a_subclass_with_weights_is_built_when_called():
    class Scaled(layers.ReLU):
        def build(self, input_shape):
            self.scale = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="scale")

        def call(self, inputs):
            return super().call(inputs) * self.scale

    layer = Scaled()
    assert not layer.built
    np.testing.assert_array_equal(layer(np.float32([[-1, 2]])), [[0, 2]])
    assert layer.built and len(layer.weights) == 1
    with pytest.raises(ValueError, match="as large as the window"):   # a check of build() still runs
        layers.MaxPooling1D(5)(np.zeros((1, 3, 1)))


X = np.array([[1, 2], [3, 4.5]], "float32")
CUBE = np.arange(8, dtype="float32").reshape(2, 2, 2)


@pytest.mark.parametrize("ord, plain, kept", [
    (2, 5.8467245, [3.7024593, 11.223558]), (-2, 0.25655398, [0.5401816, 0.1781967]),
    ("nuc", 6.1032786, [4.242641, 11.401755]), ("fro", 5.8523498, [3.7416575, 11.224972]),
    (1, 6.5, [4, 12]), (-1, 4, [2, 10]), (np.inf, 7.5, [5, 13]), (-np.inf, 3, [1, 9])])
def test_norms_of_matrices(ord, plain, kept):
    np.testing.assert_allclose(ops.norm(X, ord=ord), plain, rtol=1e-5)
    found = ops.norm(CUBE, ord=ord, axis=(1, 2), keepdims=True)
    assert found.shape == (2, 1, 1)
    np.testing.assert_allclose(np.ravel(found), kept, rtol=1e-4)
    np.testing.assert_allclose(ops.norm(np.moveaxis(CUBE, 0, 2), ord=ord, axis=(0, 1)), kept, rtol=1e-4)
    assert ord in (-1, -2, -np.inf) or ops.norm(np.zeros((0, 3, 3), "float32"), ord=ord, axis=(1, 2)).shape == (0,)


def test_no_rows_have_no_activity():
    layer = layers.Dense(2, activity_regularizer="l2")
    layer(np.ones((0, 3), "float32"))
    assert [float(x) for x in layer.losses] == [0.0]


def test_optimizers_of_a_map_before_its_default():
    first, default, unused = optimizers.Adam(0.2), optimizers.SGD(0.1), optimizers.RMSprop()
    both = optimizers.MultiOptimizer(optimizers.OptimizerMap(default, {"w": first, "none": unused}))
    v, w = (kgraph.Variable(np.ones(2, "float32"), name=name) for name in "vw")
    both.build([v, w])
    assert both.optimizers == [first, unused, default] and not unused.built
    both.apply([np.ones(2, "float32")] * 2)
    np.testing.assert_allclose([v.numpy()[0], w.numpy()[0]], [0.9, 0.8], atol=1e-5)


def test_functional_models_have_a_name():
    inputs = kgraph.Input((2,))
    model = kgraph.models.Functional(inputs, layers.Dense(1)(inputs), name="f")
    assert isinstance(model, kgraph.models.Functional) and type(model) is kgraph.Model and model.name == "f"
    row = kgraph.Sequential([inputs, layers.Dense(1)])
    assert not isinstance(row, kgraph.models.Functional) and not isinstance(3, kgraph.models.Functional)


def nested():
    return optimizers.MultiOptimizer(optimizers.OptimizerMap(optimizers.SGD()))


def with_rate():
    nested().learning_rate = 0.5


@pytest.mark.parametrize("run, error", [
    (lambda: layers.RepeatVector(0), ValueError), (lambda: layers.RepeatVector(1.5), TypeError),
    (lambda: layers.Dot("a"), TypeError), (lambda: layers.Dropout(0.5, noise_shape=(2, 0)), ValueError),
    (lambda: layers.Dropout(0.5, noise_shape=3), ValueError),
    (lambda: layers.AlphaDropout(0.5, noise_shape=(2, -1)), ValueError),
    (lambda: layers.Cropping2D(-1), ValueError), (lambda: layers.Cropping1D((1, -1)), ValueError),
    (lambda: layers.ZeroPadding1D(-1), ValueError), (lambda: layers.UpSampling1D(0), ValueError),
    (lambda: layers.Add()([np.ones((2, 3)), np.ones((2, 4))]), ValueError),
    (lambda: layers.Add()([np.ones((2, 3)), np.ones((3, 3))]), ValueError),
    (lambda: layers.Concatenate()([np.ones((2, 3)), np.ones((2, 3, 1))]), ValueError),
    (lambda: kgraph.config.set_dtype_policy(None), ValueError),
    (lambda: ops.convert_to_tensor(X) ** "2", TypeError), (lambda: "a" * ops.convert_to_tensor(X), TypeError),
    (lambda: ops.norm(X, ord=3), ValueError), (lambda: ops.norm(X[0], ord="fro"), ValueError),
    (lambda: ops.psnr(X, X[0], 1.0), ValueError),
    (lambda: optimizers.OptimizerMap(optimizers.SGD(), [1]), TypeError),
    (lambda: optimizers.OptimizerMap(optimizers.SGD(), {"a": nested()}), ValueError),
    (lambda: optimizers.MultiOptimizer(optimizers.OptimizerMap(nested())).build([kgraph.Variable(X)]), ValueError),
    (lambda: nested().learning_rate, AttributeError), (with_rate, AttributeError),
], ids=lambda x: inspect.getsource(x).strip()[:50] if callable(x) and not inspect.isclass(x) else x.__name__)
def test_refused_as_in_keras(run, error):
    with pytest.raises(error):
        run()
