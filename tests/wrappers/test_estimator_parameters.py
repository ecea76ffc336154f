"""The estimators keep to scikit-learn's protocol of parameters. A double of scikit-learn stands in for it, as it is
seldom installed where tests run; test_scikit_learn.py asks the real one."""
import copy
import importlib
import inspect
import sys
import types

import numpy as np
import pytest

import kgraph.wrappers
from kgraph import Input, Sequential, layers

NAMES = ["model", "warm_start", "model_kwargs", "fit_kwargs", "random_state"]


class BaseEstimator:
    """What scikit-learn's documentation of estimators says of parameters."""

    def get_params(self, deep=True):
        names = [n for n in inspect.signature(type(self).__init__).parameters if n != "self"]
        return {name: getattr(self, name) for name in names}


def clone(estimator):
    """As sklearn.base.clone: made of copies of the parameters, which the constructor has to keep as they are."""
    params = {k: copy.deepcopy(v) for k, v in estimator.get_params(deep=False).items()}
    made = type(estimator)(**params)
    assert all(v is params[k] for k, v in made.get_params(deep=False).items())
    return made


def module(name, **contents):
    made = types.ModuleType(name)
    made.__dict__.update(contents)
    return made


@pytest.fixture
def wrappers(monkeypatch):
    """kgraph.wrappers.scikit_learn over the double."""
    mixins = {name: type(name, (), {}) for name in ("ClassifierMixin", "RegressorMixin", "TransformerMixin")}
    for made in (module("sklearn"), module("sklearn.utils"),
                 module("sklearn.base", BaseEstimator=BaseEstimator, **mixins),
                 module("sklearn.utils.multiclass", check_classification_targets=lambda y: None),
                 module("sklearn.utils.validation", check_is_fitted=lambda e, name: getattr(e, name),
                        check_random_state=np.random.RandomState, column_or_1d=lambda y, warn: np.ravel(y),
                        validate_data=lambda e, X, *y, **_: (np.asarray(X), *map(np.asarray, y)) if y else X)):
        monkeypatch.setitem(sys.modules, made.__name__, made)
    name = "kgraph.wrappers.scikit_learn"
    kept, bound = sys.modules.pop(name, None), vars(kgraph.wrappers).pop("scikit_learn", None)
    yield importlib.import_module(name)
    del sys.modules[name], kgraph.wrappers.scikit_learn
    if kept is not None:
        sys.modules[name] = kgraph.wrappers.scikit_learn = bound or kept


def line(X, y, units=1):
    model = Sequential([Input((X.shape[1],)), layers.Dense(units, kernel_initializer="zeros"), layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    return model


@pytest.mark.parametrize("kind", ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"])
def test_parameters(kind, wrappers):
    made = getattr(wrappers, kind)
    estimator = made(line, model_kwargs={"units": 2}, fit_kwargs={"epochs": 3})
    assert estimator.get_params(deep=True) == dict(zip(NAMES, (line, False, {"units": 2}, {"epochs": 3}, None)))
    given = estimator.fit_kwargs
    assert estimator.set_params(warm_start=True, batch_size=7, fit__shuffle=False, model__depth=1) is estimator
    assert estimator.warm_start and estimator.model_kwargs == {"units": 2, "depth": 1}
    assert estimator.fit_kwargs == {"epochs": 3, "batch_size": 7, "shuffle": False} and given == {"epochs": 3}
    assert estimator.set_params(model__units=5, model_kwargs={"depth": 0}).model_kwargs == {"depth": 0, "units": 5}
    assert estimator.set_params().get_params() == clone(estimator).get_params()


@pytest.mark.parametrize("name,meant", [
    ("fit_kwarg", "fit_kwargs"), ("epoch", "epochs"), ("fit__batchsize", "batch_size"), ("warmstart", "warm_start"),
    ("model__", "model"), ("x", None)])
def test_unknown_parameters_change_nothing(name, meant, wrappers):
    estimator = wrappers.SKLearnRegressor(line)
    with pytest.raises(ValueError, match=f"KGraphRegressor: expected .* received '{name}'") as caught:
        estimator.set_params(random_state=3, **{name: 1})
    assert str(caught.value).endswith(f" Did you mean {meant!r}?" if meant else "received 'x'.")
    assert estimator.get_params() == dict(zip(NAMES, (line, False, None, None, None)))


def test_a_grid_by_hand(wrappers):
    """What a search does: clone, set, fit, predict; the estimator that it began with stays as it was."""
    X = np.arange(12, dtype="float32").reshape(6, 2) / 12
    begin, losses = wrappers.SKLearnRegressor(line, fit_kwargs={"batch_size": 6}, random_state=1), {}
    for grid in ({"fit_kwargs": {"epochs": 1, "batch_size": 6}}, {"epochs": 3},
                 {"model_kwargs": {"units": 3}, "epochs": 2}):
        fitted = clone(clone(begin).set_params(**grid)).fit(X, X[:, :1])
        assert fitted.predict(X).shape == (6, 1)
        losses[fitted.model_.layers[0].units, len(fitted.history_["loss"])] = fitted.history_["loss"]
    assert set(losses) == {(1, 1), (1, 3), (3, 2)} and losses[1, 3][0] == losses[1, 1][0]
    assert begin.fit_kwargs == {"batch_size": 6} and not hasattr(begin, "model_")


def test_a_model_as_the_parameter_is_copied(wrappers):
    X = np.ones((4, 2), "float32")
    model = line(X, X)
    estimator = clone(wrappers.SKLearnRegressor(model)).set_params(epochs=1).fit(X, X[:, 0])
    assert estimator.model is not model and estimator.model_ is not estimator.model
    assert model.history is None and estimator.predict(X).shape == (4,)
