"""Bad input: every error names what was expected and what came, and nothing is lost by it."""
import warnings

import numpy as np
import pytest

import kgraph as K
from kgraph import callbacks, layers


def rows(n=40, seed=0):
    g = np.random.default_rng(seed)
    return g.normal(size=(n, 4)).astype("float32"), g.integers(0, 3, n)


def model(compiled=True, **kwargs):
    inputs = K.Input((4,))
    m = K.Model(inputs, layers.Dense(3, activation="softmax", name="scores")(inputs))
    if compiled:
        m.compile("sgd", "sparse_categorical_crossentropy", **kwargs)
    return m


def two_outputs():
    inputs = K.Input((4,))
    return K.Model(inputs, [layers.Dense(1, name="left")(inputs), layers.Dense(1, name="right")(inputs)])


X, Y = rows()
COMPILE = {
    "unknown loss": ({"loss": "mean_squared_errr"}, ValueError, "mean_squared_error"),
    "unknown optimizer": ({"optimizer": "adm", "loss": "mse"}, ValueError, "'adam'"),
    "unknown metric": ({"loss": "mse", "metrics": ["acuracy_score_"]}, ValueError, "acuracy_score_"),
    "near metric": ({"loss": "mse", "metrics": ["categorical_acuracy"]}, ValueError, "categorical_accuracy"),
    "misspelt argument": ({"loss": "mse", "metric": ["mae"]}, TypeError, "'metrics'"),
    "metrics in the place of loss_weights": (
        {"loss": "mse", "metrics": ["mse"], "loss_weights": ["mae"]}, ValueError, "loss_weights"),
    "metrics no list": ({"loss": "mse", "metrics": "mae"}, ValueError, "metrics: expected a list"),
    "steps_per_execution": ({"loss": "mse", "steps_per_execution": 0}, ValueError, "steps_per_execution"),
    "target_tensors": ({"loss": "mse", "target_tensors": [1]}, ValueError, "target_tensors"),
    "distribute": ({"loss": "mse", "distribute": "x"}, ValueError, "DataParallel"),
}


@pytest.mark.parametrize("case", sorted(COMPILE))
def test_compile_errors(case):
    kwargs, error, text = COMPILE[case]
    with pytest.raises(error, match=text):
        model(compiled=False).compile(**kwargs)


FIT = {
    "y missing": ({"x": X}, "targets"),
    "y of another length": ({"x": X, "y": Y[:30]}, "x of length 40, y of length 30"),
    "weights of another length": ({"x": X, "y": Y, "sample_weight": np.ones(39)}, "sample_weight of length 39"),
    "weights of another shape": ({"x": X, "y": Y, "sample_weight": np.ones((40, 7))},
                                 "sample_weight: expected the shape"),
    "split of a generator": (lambda: {"x": iter([]), "validation_split": 0.2}, "needs arrays"),
    "no sample": ({"x": X[:0], "y": Y[:0]}, "at least one sample"),
    "features": ({"x": X[:, :3], "y": Y}, r"\(None, 4\).*\(None, 3\)"),
    "batch_size": ({"x": X, "y": Y, "batch_size": 0}, "batch_size"),
    "epochs": ({"x": X, "y": Y, "epochs": "3"}, "epochs"),
    "validation_split": ({"x": X, "y": Y, "validation_split": 1.5}, "validation_split"),
    "validation_freq": ({"x": X, "y": Y, "validation_freq": 0}, "validation_freq"),
    "validation_data": ({"x": X, "y": Y, "validation_data": (X, Y, Y, Y)}, "4 items"),
    "shuffle": ({"x": X, "y": Y, "shuffle": "rows"}, "shuffle"),
    "initial_epoch": ({"x": X, "y": Y, "initial_epoch": "1"}, "initial_epoch: expected an int"),
    "validation_split as text": ({"x": X, "y": Y, "validation_split": "0.2"}, "validation_split.*'0.2'"),
    "validation without y": ({"x": X, "y": Y, "validation_data": X}, r"expected validation_data=\(x, y\)"),
    "labels from 1": ({"x": X, "y": Y + 1}, r"y: expected class ids in \[0, 3\).*'scores', received 3"),
    "labels from -1": ({"x": X, "y": (Y - 1)[:, None]}, r"\[0, 3\).*received -1"),
    "rows of several lengths": ({"x": [[1, 2], [3]], "y": [0, 1]}, "rows of one length.*1, 2"),
    "a number for x": ({"x": 3.0, "y": Y}, "expected arrays.*received 3.0"),
    "weights as text": ({"x": X, "y": Y, "class_weight": {0: "a"}}, "class_weight: expected numbers"),
    "class id in y": ({"x": X, "y": Y + 2, "class_weight": {0: 1.0}}, r"\[0, 3\).*4 in y"),
    "y beside a generator": ({"x": iter([]), "y": Y}, "belongs into the batches"),
    "empty generator": (lambda: {"x": iter([])}, "no batches"),
    "batch of four": (lambda: {"x": iter([(X, Y, Y, Y)])}, "tuple of 4"),
    "batch lengths": (lambda: {"x": iter([(X, Y[:3])])}, "x of length 40, y of length 3"),
}


@pytest.mark.parametrize("eager", (True, False))
@pytest.mark.parametrize("case", sorted(FIT))
def test_fit_errors_change_nothing(case, eager):
    kwargs, text = FIT[case]
    kwargs = kwargs() if callable(kwargs) else kwargs
    m = model(run_eagerly=eager)
    before = m.get_weights()
    with pytest.raises(ValueError, match=text):
        m.fit(**{"verbose": 0, **kwargs})
    assert all(np.array_equal(a, b) for a, b in zip(before, m.get_weights()))
    m.fit(X, Y, verbose=0)
    assert len(m.history.history["loss"]) == 1


def test_before_compile():
    for method in ("fit", "evaluate", "train_on_batch", "test_on_batch"):
        with pytest.raises(RuntimeError, match="compile"):
            getattr(model(compiled=False), method)(X, Y)
    assert model(compiled=False).predict(X, verbose=0).shape == (40, 3)


@pytest.mark.parametrize("method, kwargs, near", [
    ("fit", {"batchsize": 3}, "batch_size"), ("fit", {"valdation_data": (X, Y)}, "validation_data"),
    ("evaluate", {"batchsize": 3}, "batch_size"), ("predict", {"verbos": 0}, "verbose")])
def test_misspelt_arguments(method, kwargs, near):
    args = (X,) if method == "predict" else (X, Y)
    with pytest.raises(TypeError, match=f"unknown argument.*'{near}'"):
        getattr(model(), method)(*args, **kwargs)


def test_unknown_output_names():
    cases = [{"loss": {"left": "mse", "rigth": "mse"}}, {"loss": "mse", "metrics": {"lefty": ["mae"]}},
             {"loss": ["mse", "mse", "mse"]}, {"loss": "mse", "loss_weights": {"rigt": 1.0}}]
    for kwargs, text in zip(cases, ("'rigth'.*'right'", "'lefty'.*'left'", "2 outputs.*3", "'rigt'.*'right'")):
        m = two_outputs()
        m.compile("sgd", **kwargs)
        with pytest.raises(ValueError, match=text):
            m.fit(X, [X[:, :1], X[:, :1]], verbose=0)


def test_targets_for_two_outputs():
    m = two_outputs()
    m.compile("sgd", "mse")
    with pytest.raises(ValueError, match="2 arrays.*left, right"):
        m.fit(X, X[:, :1], verbose=0)
    with pytest.raises(ValueError, match="'up'"):
        m.fit(X, {"left": X[:, :1], "up": X[:, :1]}, verbose=0)


@pytest.mark.parametrize("eager", (True, False))
@pytest.mark.parametrize("count, steps, epochs, text", [
    (5, 3, [0, 1], "expected 3 batches an epoch, received 2 in epoch 2.*training ends"),
    (4, 2, [0, 1], "expected 2 batches an epoch, received 0 in epoch 3.*training ends"),
    (1, 3, [0], "received 1 in epoch 1.*training ends"), (3, None, [0], "read once: training ends")])
def test_generator_that_ends_early_ends_training(eager, count, steps, epochs, text):
    m = model(run_eagerly=eager)
    ended = []
    with pytest.warns(UserWarning, match=text):
        history = m.fit((b for b in [(X[:8], Y[:8])] * count), steps_per_epoch=steps, epochs=4, verbose=0,
                        validation_data=(X, Y), callbacks=[callbacks.LambdaCallback(on_train_end=ended.append)])
    assert history.epoch == epochs and len(history.history["val_loss"]) == len(epochs) and len(ended) == 1
    assert int(m.optimizer.iterations) == count


@pytest.mark.parametrize("method", ["evaluate", "predict"])
def test_generator_shorter_than_steps(method):
    m = model()
    with pytest.warns(UserWarning, match=f"{method}: the data ended early: expected 9 batches an epoch, received 2"):
        found = getattr(m, method)(iter([(X[:20], Y[:20]), (X[20:], Y[20:])]), steps=9, verbose=0)
    whole = m.evaluate(X, Y, verbose=0) if method == "evaluate" else m.predict(X, verbose=0)
    np.testing.assert_allclose(found, whole, rtol=1e-5)


def test_validation_generator_that_ends():
    m = model()
    with pytest.warns(UserWarning, match="validation_data: the data ended early: expected 2 batches an epoch, rec"):
        logs = m.fit(X, Y, epochs=3, verbose=0, validation_steps=2,
                     validation_data=iter([(X[:20], Y[:20])] * 3)).history
    assert len(logs["loss"]) == 3 and len(logs["val_loss"]) == 2


class Frame:
    """What kgraph uses of a pandas DataFrame."""

    def __init__(self, **columns):
        self.columns = list(columns)
        self.values = np.stack([np.array(c, object) for c in columns.values()], axis=1)
        self.shape, self.dtype = self.values.shape, self.values.dtype

    def to_numpy(self):
        return self.values


TEXT = {
    "x": ({"x": X.astype(str), "y": Y}, "^x: expected an array of numbers, received one of dtype <U"),
    "objects": ({"x": X.astype(object), "y": Y}, "^x: expected an array of numbers, received one of dtype object"),
    "inside x": ({"x": {"age": X, "city": np.array(["a"] * 40)}, "y": Y}, r"^x\['city'\]: expected an array of"),
    "y": ({"x": X, "y": np.array(["cat", "dog"] * 20)}, r"^y: expected .* <U3; np.unique\(y, return_inverse=True\)"),
    "weights": ({"x": X, "y": Y, "sample_weight": ["a"] * 40}, "^sample_weight: expected"),
    "a column": ({"x": Frame(age=[1, 2], sex=[True, False], city=["Rome", "3"]), "y": Y[:2]},
                 "^x: expected numbers, received 'Rome' in the column 'city'"),
    "a column of y": ({"x": X[:2], "y": Frame(kind=[1, "b"])}, "^y: expected numbers, received 'b' in .* 'kind'"),
    "in a batch": (lambda: {"x": iter([(X, Y.astype(str))])}, "^y: expected an array of numbers"),
    "validation": ({"x": X, "y": Y, "validation_data": (X, Y.astype(str))}, "^y: expected an array of numbers"),
}


@pytest.mark.parametrize("case", sorted(TEXT))
def test_text_names_its_array(case):
    kwargs, text = TEXT[case]
    with pytest.raises(ValueError, match=text):
        model().fit(**(kwargs() if callable(kwargs) else kwargs), verbose=0)


def test_a_frame_of_several_dtypes_is_numbers():
    m = model(compiled=False)
    frame = Frame(a=[1, 2], b=[True, False], c=[0.5, None], d=[3, 4.5])
    np.testing.assert_allclose(m.predict(frame, verbose=0), m.predict(frame.values.astype("float32"), verbose=0))


def test_a_callback_that_raises():
    class Bad(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise OSError("disk is full")

    m = model()
    with pytest.raises(OSError, match="disk is full"):
        m.fit(X, Y, epochs=5, verbose=0, callbacks=[Bad()])
    assert m.history.epoch[:1] == [0]
    m.fit(X, Y, verbose=0)
    with pytest.raises(TypeError, match="callbacks: expected Callback"):
        m.fit(X, Y, verbose=0, callbacks=["stop"])


def test_interrupt_keeps_weights_and_history():
    class Interrupt(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.model.history.epoch:
                raise KeyboardInterrupt

    m = model()
    with pytest.raises(KeyboardInterrupt):
        m.fit(X, Y, epochs=5, verbose=0, callbacks=[Interrupt()])
    assert m.history.epoch == [0] and len(m.history.history["loss"]) == 1
    assert all(np.isfinite(w).all() for w in m.get_weights())
    assert np.isfinite(m.evaluate(X, Y, verbose=0))


def test_nan_is_said_once():
    bad = X.copy()
    bad[3] = np.nan
    m = model()
    with pytest.warns(RuntimeWarning, match="the loss is NaN") as caught:
        m.fit(bad, Y, epochs=3, verbose=0)
    assert sum("loss is NaN" in str(w.message) for w in caught) == 1


def test_no_loss_at_all():
    m = model(compiled=False)
    m.compile("sgd")
    with pytest.raises(ValueError, match="has no loss"):
        m.fit(X, Y, verbose=0)


def test_fixed_batch_size():
    inputs = K.Input(batch_shape=(8, 4))
    m = K.Model(inputs, layers.Dense(1)(inputs))
    m.compile("sgd", "mse")
    m.fit(X, X[:, :1], batch_size=8, verbose=0)
    with pytest.raises(ValueError, match="fixed batch size of 8"):
        m.fit(X[:20], X[:20, :1], batch_size=8, verbose=0)


def test_validation_data_that_do_not_fit_are_found_before_training():
    for validation, text in (((X[:, :3], Y), r"\(None, 4\).*\(None, 3\)"), ((X, np.eye(3)[Y]), "target")):
        m = model()
        before = m.get_weights()
        with pytest.raises(ValueError, match=text) as caught:
            m.fit(X, Y, validation_data=validation, verbose=0)
        assert "in validation_data" in caught.value.__notes__
        assert all(np.array_equal(a, b) for a, b in zip(before, m.get_weights()))


ONES = np.ones((40, 5), "float32")
SHAPES = {  # loss, y, what is said; error or warning
    "wider": ("mse", ONES, r"y: expected shape \((None|\d+), 3\), that of output 'scores', for the loss mse; .* 5\)",
              True),
    "vector": ("mae", Y, r"expected shape \((None|\d+), 3\).*received \((None|\d+),\)", True),
    "column": ("mse", Y[:, None], r"expected shape .*'scores'.* received \((None|\d+), 1\), which is repeated", False),
    "ids": ("categorical_crossentropy", Y, "received .*For class ids there is sparse_categorical_crossentropy", True),
    "ids in a column": ("categorical_crossentropy", Y[:, None], "there is sparse_categorical_crossentropy", True),
    "one of three": ("binary_crossentropy", Y[:, None], "expected shape .*'scores', for the loss binary_cross", True),
    "rank": ("huber", ONES[:, None, :3], r"expected shape \((None|\d+), 3\).*received \((None|\d+), 1, 3\)", True),
    "minus one": ("binary_crossentropy", np.where(ONES[:, :3] * X[:, :3] > 0, 1, -1),
                  "y: expected values from 0 to 1 for the loss binary_crossentropy of output 'scores', received -1; h",
                  False),
    "two": ("binary_focal_crossentropy", 2 * ONES[:, :3], "expected values from 0 to 1 .* received 2.0$", False),
}


@pytest.mark.parametrize("generator", (True, False))
@pytest.mark.parametrize("eager", (True, False))
@pytest.mark.parametrize("case", sorted(SHAPES))
def test_targets_that_do_not_fit_the_loss(case, eager, generator):
    loss, y, text, wrong = SHAPES[case]
    m = model(compiled=False)
    m.compile("sgd", loss, run_eagerly=eager)
    before = m.get_weights()
    with (pytest.raises(ValueError, match=text) if wrong else pytest.warns(UserWarning, match=text)):
        m.fit(*([iter([(X, y)])] if generator else [X, y]), verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, m.get_weights())) == wrong


def test_what_fits_a_loss_says_nothing():
    inputs = K.Input((4,))
    one = K.Model(inputs, layers.Dense(1)(inputs))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for loss in ("mse", "binary_crossentropy", "hinge"):
            for y in (X[:, 0] > 0, X[:, :1] > 0):
                one.compile("sgd", loss)
                one.fit(X, y, verbose=0)
        own = model(compiled=False)
        own.compile("sgd", lambda y, p: K.ops.mean(p, axis=-1))  # a loss of one's own may take any y
        own.fit(X, ONES, verbose=0)


def test_labels_that_do_not_count_may_be_no_class():
    y = np.where(np.arange(40) % 2, Y, -1)
    m = model()
    ignoring = model(compiled=False)
    ignoring.set_weights(m.get_weights())
    ignoring.compile("sgd", K.losses.SparseCategoricalCrossentropy(ignore_class=-1))
    weighted = m.fit(X, y, sample_weight=2.0 * (y >= 0), batch_size=40, verbose=0).history["loss"]
    np.testing.assert_allclose(ignoring.fit(X, y, batch_size=40, verbose=0).history["loss"], weighted, rtol=1e-5)


def test_no_class_weights():
    first, second = model(), model()
    second.set_weights(first.get_weights())
    losses = [m.fit(X, Y, shuffle=False, verbose=0, class_weight=w).history["loss"]
              for m, w in ((first, {}), (second, None))]
    assert losses[0] == losses[1]


@pytest.mark.parametrize("method, kwargs, text", [
    ("predict", {"batch_size": 0}, "predict: batch_size"), ("predict", {"steps": 0}, "predict: steps"),
    ("predict_on_batch", {"x": None}, "expected x"), ("evaluate", {"y": Y, "steps": -1}, "evaluate: steps")])
def test_counts_of_batches(method, kwargs, text):
    with pytest.raises(ValueError, match=text):
        getattr(model(), method)(**{"x": X, **kwargs})


def test_inputs_by_a_misspelt_name():
    inputs = K.Input((4,), name="words")
    m = K.Model(inputs, layers.Dense(1)(inputs))
    with pytest.raises(ValueError, match="received wrods: words missing. Did you mean 'words'"):
        m.predict({"wrods": X}, verbose=0)


def test_what_is_no_callback():
    with pytest.raises(TypeError, match=r"make one with EarlyStopping\(...\)"):
        model().fit(X, Y, callbacks=[callbacks.EarlyStopping], verbose=0)
    with pytest.raises(TypeError, match="'on_epch_end'.*'on_epoch_end'"):
        callbacks.LambdaCallback(on_epch_end=print)


def test_a_fit_that_failed_leaves_nothing_to_the_next():
    class Bad(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise OSError("disk is full")
    m = model()
    with pytest.raises(OSError):
        m.fit(X, Y, callbacks=[callbacks.TerminateOnNaN(), Bad()], verbose=0)
    m.fit(X, Y, verbose=0)
    assert m.fit_run is None
