"""tf.saved_model: models in a folder, in kgraph's own format: TensorFlow's would need TensorFlow."""
from __future__ import annotations

import os

from kgraph import models, ops, tree
from kgraph.naming import missing, warn_at_user
from kgraph.tensorflow.base.texts import text_of

__all__ = ["LoadOptions", "SaveOptions", "contains_saved_model", "load", "save"]
DEFAULT_SERVING_SIGNATURE_DEF_KEY, SERVING, TRAINING = "serving_default", "serve", "train"
_FILE = "model.keras"


class SaveOptions:
    """Options, taken and without effect."""

    def __init__(self, *args, **kwargs):
        pass


LoadOptions = SaveOptions


def save(obj, export_dir, signatures=None, options=None):
    """Write a model into a folder, as model.keras: for `load` here and keras.models.load_model, not for TensorFlow.

    Raises TypeError for what is not a Keras model: functions in Python are not written. signatures are not either.
    """
    if not isinstance(obj, models.Model):
        raise TypeError(f"tf.saved_model.save: expected a Keras model, received {type(obj).__name__}: functions in "
                        "Python cannot be written; tf.train.Checkpoint keeps the variables")
    folder = text_of(export_dir)
    warn_at_user(f"tf.saved_model.save writes {_FILE} into {folder}, which TensorFlow does not read")
    os.makedirs(folder, exist_ok=True)
    obj.save(os.path.join(folder, _FILE))


def contains_saved_model(export_dir) -> bool:
    """Whether `save` wrote into this folder."""
    return os.path.exists(os.path.join(text_of(export_dir), _FILE))


def load(export_dir, tags=None, options=None):
    """The model of a folder that `save` made. Its `signatures["serving_default"]` gives {"output_0": ...}.

    Raises FileNotFoundError for one of TensorFlow, which needs TensorFlow.
    """
    folder = text_of(export_dir)
    if not contains_saved_model(folder):
        what = "one of TensorFlow" if os.path.exists(os.path.join(folder, "saved_model.pb")) else "none"
        raise FileNotFoundError(f"tf.saved_model.load: expected a model of kgraph in {folder}, received {what}")
    found = models.load_model(os.path.join(folder, _FILE))

    def serving(*args, **kwargs):
        inputs = args[0] if args else next(iter(kwargs.values())) if len(kwargs) == 1 else kwargs
        outputs = tree.flatten(found(ops.convert_to_tensor(inputs) if not tree.is_nested(inputs) else inputs))
        return {f"output_{i}": x for i, x in enumerate(outputs)}
    found.signatures = {DEFAULT_SERVING_SIGNATURE_DEF_KEY: serving}
    return found


def __getattr__(name):
    raise missing(__name__, name, __all__)
