"""What goes wrong is said in the user's terms: names of layers, outputs and losses, and the user's own lines."""
import logging
import math
import re
import traceback
import types
import warnings

import numpy as np
import pytest

import kgraph as K
from kgraph import layers, ops
from kgraph.codegen import functions
from kgraph.training import progress

X, Y = np.ones((4, 2), "float32"), np.ones((4, 1), "float32")


def fit(m, eager=False, loss="mse", y=Y):
    m.compile("sgd", loss, run_eagerly=eager)
    return m.fit(X, y, verbose=0)


class Calls(K.Model):
    """A model whose call() is the function it was made with."""

    def __init__(self, f, **held):
        super().__init__()
        self.f = f
        for name, layer in held.items():
            setattr(self, name, layer)

    def call(self, x):
        return self.f(self, x)


class CallsLayer(layers.Layer):
    def __init__(self, f):
        super().__init__()
        self.f = f

    def call(self, x):
        return self.f(x)


def nothing(x):
    x * 2


# -- frames


def frames(error):
    return [f.filename for f in traceback.extract_tb(error.__traceback__)]


@pytest.fixture
def filtering():
    K.config.enable_traceback_filtering()
    yield
    K.config.disable_traceback_filtering()


@pytest.mark.parametrize("eager", [True, False])
def test_errors_show_the_frames_of_the_user(filtering, eager):
    def wrong():
        fit(K.Sequential([K.Input((2,)), layers.Dense(3, name="scores")]), eager, y=np.ones((4, 5)))
    with pytest.raises(ValueError, match="y: expected shape .*'scores'.* mse; received .* 5"):
        wrong()
    for enabled in (True, False):
        (K.config.enable_traceback_filtering if enabled else K.config.disable_traceback_filtering)()
        assert K.config.is_traceback_filtering_enabled() is enabled
        with pytest.raises(ValueError) as caught:
            wrong()
        own = [f for f in frames(caught.value) if f != __file__]
        assert own == [] if enabled else len(own) > 5


def test_the_lines_of_a_user_inside_are_kept(filtering):
    def inside(x):
        raise KeyError("mine")
    for call in (lambda: CallsLayer(inside)(X), lambda: CallsLayer(inside)(K.Input((2,))),
                 lambda: fit(K.Sequential([layers.Dense(1), CallsLayer(inside)]))):
        with pytest.raises(KeyError, match="mine") as caught:
            call()
        names = [f.name for f in traceback.extract_tb(caught.value.__traceback__)]
        assert names[-1] == "inside" and len(names) <= 6


def test_causes_are_shortened_too(filtering):
    def inside(x):
        try:
            ops.reshape(x, (7, 7))
        except Exception as error:
            raise RuntimeError("mine") from error
    with pytest.raises(RuntimeError, match="mine") as caught:
        CallsLayer(inside)(X)
    assert set(frames(caught.value.__cause__)) == {__file__}


# -- layers and models


@pytest.mark.parametrize("eager", [True, False])
def test_call_without_a_return(eager):
    with pytest.raises(ValueError, match="model 'calls.*: expected outputs of call.*, received None: does it"):
        fit(Calls(lambda self, x: nothing(x)), eager)
    with pytest.raises(ValueError, match="layer 'dense.*': expected a tensor, received None: does a call"):
        fit(Calls(lambda self, x: self.b(self.a(x)), a=CallsLayer(nothing), b=layers.Dense(1)), eager)
    with pytest.raises(ValueError, match="model 'calls.*received None"):
        Calls(lambda self, x: None).predict(X, verbose=0)
    for make in (lambda layer: layer(K.Input((2,))), lambda layer: K.Sequential([K.Input((2,)), layer])):
        with pytest.raises(ValueError, match=r"layer 'calls_layer.* \(CallsLayer\): expected tensors from call\(\)"):
            make(CallsLayer(nothing))


def test_a_layer_called_for_its_effect_may_return_nothing():
    seen = []
    m = Calls(lambda self, x: (self.a(x), self.b(x))[1], a=CallsLayer(seen.append), b=layers.Dense(1))
    assert len(fit(m).history["loss"]) == 1 and seen


@pytest.mark.parametrize("eager", [True, False])
def test_layers_made_inside_call(eager):
    kept = types.MappingProxyType({"inner": layers.Dense(1, name="fresh")})  # nowhere where a layer looks for layers
    for f in (lambda self, x: self.out(layers.Dense(1, name="fresh")(x)), lambda self, x: self.out(kept["inner"](x))):
        m = Calls(f, out=layers.Dense(1))
        with pytest.warns(UserWarning, match=f"test_messages.*'fresh' made weights inside the call of '{m.name}'"):
            fit(m, eager)
    with pytest.warns(UserWarning, match="layer 'fresh' made weights inside the call of 'calls_layer"):
        CallsLayer(lambda x: layers.Dense(1, name="fresh")(x))(K.Input((2,)))


@pytest.mark.parametrize("eager", [True, False])
def test_layers_made_inside_a_step(eager):
    class Fresh(K.Model):
        def train_step(self, data):
            return {"loss": K.ops.mean(layers.Dense(1, name="fresh")(data[0]))}

    m = Fresh()
    m.compile("sgd", run_eagerly=eager)
    with pytest.warns(UserWarning, match=f"'fresh' made weights inside a step of '{m.name}'"):
        m.fit(np.ones((4, 2), "float32"), np.ones((4, 1), "float32"), verbose=0)


@pytest.mark.parametrize("eager", [True, False])
def test_layers_that_may_be_made_late(eager):
    def late(self, x):
        if getattr(self, "inner", None) is None:
            self.inner = layers.Dense(1)
        return layers.ReLU()(self.inner(layers.Flatten()(x)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        m = Calls(late)
        fit(m, eager)
        for layer, shape in ((layers.TimeDistributed(layers.Dense(2)), (2, 3, 4)),
                             (layers.Bidirectional(layers.LSTM(2)), (2, 3, 4)),
                             (layers.RNN(layers.GRUCell(2)), (2, 3, 4)),
                             (layers.SpectralNormalization(layers.Dense(2)), (2, 4))):
            layer(np.ones(shape, "float32"))
    assert len(m.trainable_weights) == 2


WANTS_VALUES = {
    "float": float, "int": int, "item": lambda y: y.item(), "tolist": lambda y: y.tolist(),
    "numpy": lambda y: y.numpy(),
    "format": lambda y: f"{y:.2f}", "index": lambda y: [1, 2][y], "range": range, "array": np.asarray, "np.sum": np.sum,
    "math": math.sqrt, "bool": bool, "if": lambda y: 1 if y > 0 else 0, "max": lambda y: max(y, 0),
}


@pytest.mark.parametrize("what", sorted(WANTS_VALUES))
def test_values_in_a_compiled_step(what):
    def use(self, x):
        y = self.inner(x)
        WANTS_VALUES[what](ops.sum(y))
        return y
    with pytest.raises(TypeError, match=r"compile\(run_eagerly=True\)"):
        fit(Calls(use, inner=layers.Dense(1)))
    with pytest.raises(TypeError, match="it stands for a tensor of a graph" if what not in ("index", "range") else ""):
        WANTS_VALUES[what](K.Input(()))
    if what not in ("index", "range"):
        fit(Calls(use, inner=layers.Dense(1)), eager=True)


def test_a_variable_as_a_number():
    v = K.Variable(np.float32([2.5]))
    assert v.item() == 2.5 and v.tolist() == [2.5]


# -- what does not go together

OUTPUTS = {  # (activation, units, loss, further layer) -> what is said
    "softmax": (("softmax", 1, "binary_crossentropy", None), "output 'last': a softmax over one value is always 1"),
    "Softmax": ((None, 1, "mse", layers.Softmax), "a softmax over one value is always 1"),
    "sigmoid, logits": (("sigmoid", 1, K.losses.BinaryCrossentropy(from_logits=True), None),
                        "'last': the loss binary_crossentropy was made with from_logits=True, .* come from sigmoid"),
    "softmax, logits": (("softmax", 3, K.losses.CategoricalCrossentropy(from_logits=True), None), "come from softmax"),
    "logits": ((None, 1, K.losses.BinaryCrossentropy(from_logits=True), None), None),
    "two classes": (("softmax", 2, "categorical_crossentropy", None), None),
    "one head": ((None, 1, "mse", lambda: layers.Lambda(lambda x: x * ops.softmax(x))), None),
}


@pytest.mark.parametrize("eager", [True, False])
@pytest.mark.parametrize("case", sorted(OUTPUTS))
def test_outputs_that_do_not_go_with_the_loss(case, eager):
    (activation, units, loss, further), text = OUTPUTS[case]
    inputs = K.Input((2,))
    x = layers.Dense(units, activation=activation, name="last")(inputs)
    m = K.Model(inputs, x if further is None else further()(x))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        m.compile("sgd", loss, run_eagerly=eager)
        m.fit(X, np.ones((4, units)), epochs=2, verbose=0)
    assert len(said) == (text is not None)
    if text:
        assert re.search(text, str(said[0].message)) and said[0].filename == __file__


@pytest.mark.parametrize("kwargs, text", [({"epochs": -1}, "epochs: expected an int of 0 or more, received -1"),
                                          ({"initial_epoch": -1}, "initial_epoch: expected an int of 0 or more")])
def test_epochs_below_zero(kwargs, text):
    with pytest.raises(ValueError, match=text):
        fit_with(**kwargs)


def fit_with(**kwargs):
    m = K.Sequential([K.Input((2,)), layers.Dense(1)])
    m.compile("sgd", "mse")
    return m.fit(X, Y, verbose=0, **kwargs)


def test_epochs_that_were_done_before():
    with pytest.warns(UserWarning, match="nothing is trained: epochs=2 is the number of the last epoch, and initial"):
        assert fit_with(epochs=2, initial_epoch=5).epoch == []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fit_with(epochs=0).epoch == []


# -- what is written

@pytest.mark.parametrize("verbose, lines", [(2, 1), (0, 0)])
def test_compiling_says_so_in_one_line(monkeypatch, capsys, verbose, lines):
    """Not among the lines of progress, and only where it takes longer than the patience, here none."""
    monkeypatch.setattr(functions.object_cache, "read", lambda *_: None)
    monkeypatch.setattr(functions.object_cache, "write", lambda *_: None)
    monkeypatch.setattr(functions, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(logging.getLogger("kgraph"), "propagate", False)  # to the handlers of pytest
    unknown = float(np.random.default_rng().random())
    m = K.Sequential([K.Input((2,)), layers.Dense(1), layers.Lambda(lambda x: x * unknown)])
    m.compile("sgd", "mse")
    m.fit(X, Y, epochs=2, verbose=verbose, validation_data=(X, Y))
    m.fit(X, Y, verbose=verbose)
    out, err = capsys.readouterr()
    assert len(re.findall("^compiling [0-9]+ kernels?, first run only$", err, re.M)) == len(err.splitlines()) == lines
    assert len(out.splitlines()) == 3 * lines


def test_compiling_is_no_part_of_a_step(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    bar = progress.Progbar(4)
    with progress.setting_up():
        now[0] += 10
    now[0] += 2
    bar.update(4)
    assert "12s - 500ms/step" in capsys.readouterr().out


def test_patience(monkeypatch):
    said = []
    with functions.announcing(said.append):
        functions._patience.ask(5)
        monkeypatch.setattr(functions.time, "perf_counter", lambda: 1e12)
        functions._patience.ask(5)
        functions._patience.ask(6)
    functions._patience.ask(7)
    assert said == [5]


def test_without_interactive_logging(caplog, capsys):
    assert K.config.is_interactive_logging_enabled()
    K.config.disable_interactive_logging()
    try:
        with caplog.at_level(logging.INFO, "kgraph"):
            m = K.Sequential([K.Input((2,)), layers.Dense(1)])
            m.compile("sgd", "mse")
            m.fit(X, Y, epochs=2, verbose=2)
    finally:
        K.config.enable_interactive_logging()
    assert [r.getMessage().split(" - ")[0] for r in caplog.records] == ["Epoch 1/2", "Epoch 2/2"]
    assert capsys.readouterr().out == ""


def test_unsafe_deserialization_is_asked_for(monkeypatch):
    from kgraph.serialization import in_safe_mode, safe_mode_scope
    monkeypatch.setitem(K.config._settings, "unsafe_deserialization", False)
    assert in_safe_mode()
    K.config.enable_unsafe_deserialization()
    with safe_mode_scope(True):
        assert not in_safe_mode()
