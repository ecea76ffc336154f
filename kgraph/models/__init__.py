"""Models: functional, sequential, subclassed; and their copies. Reading and writing them is in kgraph.saving.

Args:
    model: a Model.
    custom_objects: {name: class or function} of what is not kgraph's.
    safe_mode: refuse code in files. True by default.
    filepath: of a file: the ending says the format.
    json_string, yaml_string: what to_json or to_yaml gave.
    zipped: accepted.
    name: of the model.
    inputs, outputs: KTensors, or lists, tuples and dicts of them.
    overwrite: an existing file. True by default.
    include_optimizer: with the optimizer's state. True by default.
    save_format: Keras 2's: "h5" or "keras"; None: by the ending.
    by_name: weights of layers with the same name. False by default.
    skip_mismatch: pass over layers whose weights do not fit. False by default.
    layer: a Layer.
    rebuild: accepted.
    line_length, positions, print_fn: of the table: its width, where columns end, and what each line is given to.
    show_trainable: a column that says which layers train.
    expand_nested: layers of models inside the model, too.
    input_shape: of the inputs, None for a size that varies.
    training: whether this is a step of training.
    mask: which steps of the inputs count.
    config: what get_build_config gave.
    x: inputs, nested as the model takes them.
    layer_range: the first and the last layer that are shown; None: all.
    show_masks, kernels: columns for masks, and for what is compiled.
"""
from kgraph import doors
from kgraph.legacy.paths import lookup
from kgraph.models.cloning import clone_model
from kgraph.models.model import Model
from kgraph.models.sequential import Sequential


class _AnyFunctional(type):
    def __instancecheck__(cls, x):
        return isinstance(x, Model) and x.is_functional and not isinstance(x, Sequential)


class Functional(metaclass=_AnyFunctional):
    """What Keras calls models of Model(inputs, outputs): those are its instances, and calling it makes one."""

    def __new__(cls, inputs, outputs, name=None, **kwargs):
        return Model(inputs, outputs, name=name, **kwargs)


OBJECTS = {"Model": Model, "Functional": Model, "Sequential": Sequential}
_IN_SAVING = ("load_model", "model_from_json", "model_from_yaml", "save_model")
__all__ = ["Functional", "Model", "Sequential", "clone_model", *_IN_SAVING]


def __getattr__(name):
    if name not in _IN_SAVING:
        return lookup(__name__, name, __all__)
    return getattr(doors.saving, name)


def __dir__():
    return sorted(__all__)
