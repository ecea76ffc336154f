"""The estimators, by scikit-learn's own checks (where scikit-learn is installed)."""
import pickle

import numpy as np
import pytest

from kgraph import Input, Sequential, layers, optimizers

base = pytest.importorskip("sklearn.base")
checks = pytest.importorskip("sklearn.utils.estimator_checks")
selection = pytest.importorskip("sklearn.model_selection")
pipeline = pytest.importorskip("sklearn.pipeline")
scaling = pytest.importorskip("sklearn.preprocessing")
wrappers = pytest.importorskip("kgraph.wrappers.scikit_learn")
KGraphClassifier, KGraphRegressor = wrappers.KGraphClassifier, wrappers.KGraphRegressor


def classifier(X, y, units=16):
    model = Sequential([Input((X.shape[1],)), layers.Dense(units, activation="relu"),
                        layers.Dense(y.shape[1], activation="softmax")])
    model.compile(optimizers.Adam(0.03), "categorical_crossentropy")
    return model


def regressor(X, y):
    model = Sequential([Input((X.shape[1],)), layers.Dense(16, activation="relu"), layers.Dense(y.shape[1])])
    model.compile(optimizers.Adam(0.03), "mse")
    return model


@checks.parametrize_with_checks([KGraphClassifier(classifier, fit_kwargs={"epochs": 40}),
                          KGraphRegressor(regressor, fit_kwargs={"epochs": 40})])
def test_estimator(estimator, check):
    check(estimator)


RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4)).astype("float32")
LABELS = np.array(["no", "yes"])[(X[:, 0] + X[:, 1] > 0).astype(int)]


@pytest.mark.parametrize("units,activation,loss", [
    (2, "softmax", "categorical_crossentropy"), (2, "softmax", "sparse_categorical_crossentropy"),
    (1, "sigmoid", "binary_crossentropy")])
def test_labels_as_the_loss_wants_them(units, activation, loss):
    model = Sequential([Input((4,)), layers.Dense(units, activation=activation)])
    model.compile(optimizers.Adam(0.03), loss)
    estimator = KGraphClassifier(model, fit_kwargs={"epochs": 60}, random_state=1).fit(X, LABELS)
    assert estimator.score(X, LABELS) > 0.9
    p = estimator.predict_proba(X)
    assert p.shape == (120, 2)
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-5, atol=1e-6)
    assert not hasattr(estimator.model, "history") or estimator.model.history is None


def test_in_pipelines_and_searches():
    model = KGraphClassifier(classifier, fit_kwargs={"epochs": 30}, random_state=0)
    estimator = pipeline.make_pipeline(scaling.StandardScaler(), model)
    assert selection.cross_val_score(estimator, X, LABELS, cv=3).mean() > 0.7
    search = selection.GridSearchCV(KGraphClassifier(classifier, random_state=0),
                          {"model_kwargs": [{"units": 2}, {"units": 8}], "fit_kwargs": [{"epochs": 5}]}, cv=2)
    assert search.fit(X, LABELS).best_params_["fit_kwargs"] == {"epochs": 5}


def test_a_search_over_names_of_the_function_and_of_fit():
    grid = {"model__units": [2, 8], "epochs": [1, 20], "fit__batch_size": [16]}
    search = selection.GridSearchCV(KGraphClassifier(classifier, random_state=0), grid, cv=2).fit(X, LABELS)
    assert search.best_params_["epochs"] == 20 and len(search.cv_results_["params"]) == 4
    best = base.clone(search.best_estimator_).get_params()
    assert best["fit_kwargs"] == {"epochs": 20, "batch_size": 16} and best["model_kwargs"]["units"] in (2, 8)


def test_copies_and_going_on():
    estimator = KGraphRegressor(regressor, fit_kwargs={"epochs": 2}, random_state=1, warm_start=True)
    y = X @ np.array([[1.0, 2], [0, 1], [1, 0], [0, 0]])
    first = estimator.fit(X, y).history_["loss"]
    assert estimator.fit(X, y).history_["loss"][0] < first[0]
    again = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_allclose(again.predict(X), estimator.predict(X), rtol=1e-6, atol=1e-6)
    assert not hasattr(base.clone(estimator), "model_") and estimator.predict(X).shape == (120, 2)


def test_models_go_to_other_processes():
    joblib = pytest.importorskip("joblib")
    model = Sequential([Input((4,)), layers.Dense(3)])
    expected = model.predict(X, verbose=0)
    predict = joblib.delayed(type(model).predict)
    found = joblib.Parallel(n_jobs=2)(predict(model, part, verbose=0) for part in (X, X[:7]))
    np.testing.assert_allclose(found[0], expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found[1], expected[:7], rtol=1e-6, atol=1e-6)
