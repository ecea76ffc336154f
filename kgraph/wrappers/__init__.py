"""Models as estimators of scikit-learn, which has to be installed: pip install kgraph[sklearn]."""
import importlib

from kgraph.legacy.paths import lookup

__all__ = ["KGraphClassifier", "KGraphRegressor", "KGraphTransformer", "SKLearnClassifier", "SKLearnRegressor",
           "SKLearnTransformer", "scikit_learn"]


def __getattr__(name):
    if name not in __all__:
        return lookup(__name__, name, __all__)
    module = importlib.import_module("kgraph.wrappers.scikit_learn")
    return module if name == "scikit_learn" else getattr(module, name)


def __dir__():
    return __all__
