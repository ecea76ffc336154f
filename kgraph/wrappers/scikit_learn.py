"""KGraphClassifier and KGraphRegressor."""
from __future__ import annotations

import contextlib
import copy
import inspect
import random

import numpy as np

from kgraph.models import Model
from kgraph.naming import nearest, object_name
from kgraph.utils import set_random_seed, to_categorical

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, check_random_state, column_or_1d, validate_data
except ImportError as error:
    raise ImportError("the wrappers need scikit-learn, 1.6 or newer: pip install kgraph[sklearn]") from error

__all__ = ["KGraphClassifier", "KGraphRegressor", "KGraphTransformer", "KerasClassifier", "KerasRegressor",
           "SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"]


_FIT = [name for name, p in inspect.signature(Model.fit).parameters.items()
        if name not in ("self", "x", "y") and p.kind is not p.VAR_KEYWORD]


class _Estimator(BaseEstimator):
    """What both share.

    model         a compiled model, of which fit trains a copy; or a function that returns one. The function is called
                  with those of X and y (one column a class, or a target) that it takes, and with model_kwargs
    warm_start    fit goes on with the model of the fit before
    model_kwargs, fit_kwargs   for the function; for Model.fit (epochs, batch_size, callbacks ...)
    random_state  an int or a RandomState: two fits with it are equal
    After fit: model_ and history_, {name: a number for each epoch}.
    """

    def __init__(self, model, warm_start=False, model_kwargs=None, fit_kwargs=None, random_state=None):
        self.model = model
        self.warm_start = warm_start
        self.model_kwargs = model_kwargs
        self.fit_kwargs = fit_kwargs
        self.random_state = random_state

    def set_params(self, **params):
        """Set parameters by their names: those of the constructor; `model__NAME`, one of model_kwargs; `fit__NAME`, or
        the name alone (epochs, batch_size ...), one of fit_kwargs. A grid may have all of these.

        Raises:
            ValueError: a name is not known; nothing is set then.
        """
        own = self.get_params(deep=False)
        places = {name: self._place(name, own) for name in params}
        for name in sorted(places, key=lambda name: places[name][1] is not None):   # whole dictionaries first
            attribute, key = places[name]
            value = params[name] if key is None else {**(getattr(self, attribute) or {}), key: params[name]}
            setattr(self, attribute, value)
        return self

    def _place(self, name, own):
        """(attribute, None, or the key there) of a parameter."""
        first, _, rest = name.partition("__")
        if name in own:
            return name, None
        if first == "model" and rest:
            return "model_kwargs", rest
        key = rest if first == "fit" else name
        if key in _FIT:
            return "fit_kwargs", key
        raise ValueError(f"{type(self).__name__}: expected parameters out of {', '.join(own)}, those of Model.fit, and "
                         f"model__NAME; received {name!r}.{nearest(key, [*own, *_FIT])}")

    def _train(self, X, y, kwargs):
        with _seeded(self.random_state):
            if not (self.warm_start and hasattr(self, "model_")):
                self.model_ = self._make(X, y)
            targets = self._targets(y)
            history = self.model_.fit(X, targets, **{"verbose": 0, **(self.fit_kwargs or {}), **kwargs})
        self.history_ = history.history
        return self

    def _make(self, X, y):
        if isinstance(self.model, Model):
            model = copy.deepcopy(self.model)
        elif callable(self.model):
            takes = inspect.signature(self.model).parameters
            given = {name: value for name, value in (("X", X), ("y", y)) if name in takes}
            model = self.model(**given, **(self.model_kwargs or {}))
        else:
            raise TypeError(f"{type(self).__name__}: expected model to be a compiled Model or a function that returns "
                            f"one, received {self.model!r}")
        if not getattr(model, "compiled", False):
            raise ValueError(f"{type(self).__name__}: expected a compiled model: call model.compile(...) first")
        return model

    def _targets(self, y):
        return y

    def _raw(self, X):
        check_is_fitted(self, "model_")
        return self.model_.predict(self._checked(X), verbose=0)

    def _checked(self, X):
        return validate_data(self, X, reset=False, dtype="numeric").astype("float32")


@contextlib.contextmanager
def _seeded(random_state):
    """Inside, everything random follows from random_state; what the process draws elsewhere does not change."""
    if random_state is None:
        yield
        return
    states = random.getstate(), np.random.get_state()
    set_random_seed(int(check_random_state(random_state).randint(2**31 - 1)))
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])


class KGraphTransformer(TransformerMixin, _Estimator):
    __doc__ = f"""A model as a transformer: its outputs are new features.

    {_Estimator.__doc__.partition(chr(10))[2].strip()}
    """

    def fit(self, X, y, **kwargs):
        """Train. kwargs: for Model.fit, over those of fit_kwargs."""
        X, y = validate_data(self, X, y, dtype="numeric", multi_output=True)
        return self._train(X.astype("float32"), np.asarray(y).reshape(len(y), -1), kwargs)

    def transform(self, X):
        """The outputs of the model, [samples, features]."""
        return self._raw(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags


class KGraphClassifier(ClassifierMixin, _Estimator):
    __doc__ = f"""A model as a classifier: its output is a probability for each class, or one for the second of two.

    {_Estimator.__doc__.partition(chr(10))[2].strip()}
    classes_ are the labels; they are handed to the model as its loss wants them: as numbers when it is a sparse one,
    as a column of 0 and 1 when the model has one output, else one-hot.
    """

    def fit(self, X, y, **kwargs):
        """Train. kwargs: for Model.fit, over those of fit_kwargs."""
        X, y = validate_data(self, X, y, dtype="numeric")
        check_classification_targets(y)
        self.classes_, numbers = np.unique(column_or_1d(y, warn=True), return_inverse=True)
        return self._train(X.astype("float32"), to_categorical(numbers, len(self.classes_)).astype("float32"), kwargs)

    def _targets(self, y):
        loss = self.model_.loss
        if "sparse" in (loss if isinstance(loss, str) else object_name(loss)).lower():
            return y.argmax(-1)
        outputs = self.model_.outputs[0].shape[-1] if self.model_.outputs else y.shape[-1]
        return y[:, 1:] if outputs == 1 and y.shape[-1] == 2 else y

    def predict_proba(self, X):
        """A probability for each class, [samples, classes]."""
        p = self._raw(X)
        return np.concatenate([1 - p, p], axis=-1) if p.shape[-1] == 1 and len(self.classes_) == 2 else p

    def predict(self, X):
        """The likeliest class of each sample."""
        p = self.predict_proba(X)
        return self.classes_[p.argmax(-1)]


class KGraphRegressor(RegressorMixin, _Estimator):
    __doc__ = f"""A model as a regressor: its outputs are the targets.

    {_Estimator.__doc__.partition(chr(10))[2].strip()}
    """

    def fit(self, X, y, **kwargs):
        """Train. kwargs: for Model.fit, over those of fit_kwargs."""
        X, y = validate_data(self, X, y, dtype="numeric", multi_output=True, y_numeric=True)
        self._vector = y.ndim == 1
        return self._train(X.astype("float32"), y.reshape(len(y), -1).astype("float32"), kwargs)

    def predict(self, X):
        """The targets of each sample as float64, in the shape that fit was given."""
        y = self._raw(X).astype("float64")
        return y.reshape(-1) if self._vector else y

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


KerasClassifier = SKLearnClassifier = KGraphClassifier
KerasRegressor = SKLearnRegressor = KGraphRegressor
SKLearnTransformer = KGraphTransformer
