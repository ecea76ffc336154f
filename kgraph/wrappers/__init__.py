"""Models as estimators of scikit-learn, which has to be installed: pip install kgraph[sklearn]."""
import importlib

__all__ = ["KGraphClassifier", "KGraphRegressor", "SKLearnClassifier", "SKLearnRegressor", "scikit_learn"]


def __getattr__(name):
    if name not in __all__:
        raise AttributeError(f"kgraph.wrappers has no public name {name!r}")
    module = importlib.import_module("kgraph.wrappers.scikit_learn")
    return module if name == "scikit_learn" else getattr(module, name)


def __dir__():
    return __all__
