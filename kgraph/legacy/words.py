"""Arguments in the words of Keras 1, Keras 2 and tf.keras, for their files and for code written then."""
from __future__ import annotations

import functools
import inspect
import itertools
import os
import re
import warnings

from kgraph import tree
from kgraph.legacy.defaults import older_than
from kgraph.naming import nearest, warn_at_user

__all__ = ["ADD_WEIGHT", "COMPILE", "DECLARED", "INITIALIZERS", "MERGES", "declared_input", "modern_words",
           "of_checkpoint", "with_old_counts", "with_old_words"]

WORDS = {"init": "kernel_initializer", "W_regularizer": "kernel_regularizer", "b_regularizer": "bias_regularizer",
         "W_constraint": "kernel_constraint", "b_constraint": "bias_constraint", "bias": "use_bias",
         "U_regularizer": "recurrent_regularizer", "inner_init": "recurrent_initializer",
         "inner_activation": "recurrent_activation", "dropout_W": "dropout", "dropout_U": "recurrent_dropout",
         "output_dim": "units", "nb_filter": "filters", "border_mode": "padding", "atrous_rate": "dilation_rate"}
CLASSES = {  # class -> {word of Keras 1: word of today}; WORDS besides
    "Dropout": {"p": "rate"}, "SpatialDropout1D": {"p": "rate"}, "SpatialDropout2D": {"p": "rate"},
    "GaussianDropout": {"p": "rate"}, "GaussianNoise": {"sigma": "stddev"},
    "Conv1D": {"filter_length": "kernel_size", "subsample_length": "strides"}, "Conv2D": {"subsample": "strides"},
    "Conv2DTranspose": {"subsample": "strides"}, "SeparableConv2D": {"subsample": "strides"},
    "Conv3D": {"subsample": "strides"},
    "MaxPooling1D": {"pool_length": "pool_size", "stride": "strides"},
    "AveragePooling1D": {"pool_length": "pool_size", "stride": "strides"}, "UpSampling1D": {"length": "size"},
    "Embedding": {"init": "embeddings_initializer", "W_regularizer": "embeddings_regularizer",
                  "W_constraint": "embeddings_constraint", "output_dim": "output_dim"},
    "BatchNormalization": {"beta_init": "beta_initializer", "gamma_init": "gamma_initializer"},
    "Merge": {"concat_axis": "axis", "dot_axes": "axes"},
}
SEVERAL = {"dim_ordering", "nb_row", "nb_col", "kernel_dim1", "kernel_dim2", "kernel_dim3"}  # see modern_words
NEUTRAL = {  # arguments in the configs of any class of other versions, with the values that change nothing
    "quantization_config": (None,), "groups": (1,), "ragged": (False, None), "sparse": (False, None),
    "implementation": (1, 2), "time_major": (False,), "dynamic": (False,), "synchronized": (False,),
    "renorm": (False,), "virtual_batch_size": (None,),
}
_UNUSED_KERNEL = {f"kernel_{part}": (None, f"depthwise_{part}= and pointwise_{part}=") for part in
                  ("initializer", "regularizer", "constraint")}  # older versions took them and did nothing with them
WITHOUT_EFFECT = {  # class -> {word: (the values that never changed a number, None: all; what to write today)}
    "BatchNormalization": {"mode": ((0,), None), "fused": ((None, False, True), None)},
    "RNN": {"consume_less": (("cpu", "mem", "gpu"), None)},
    "SeparableConv1D": _UNUSED_KERNEL, "SeparableConv2D": _UNUSED_KERNEL,
}
MERGES = {"sum": "Add", "mul": "Multiply", "concat": "Concatenate", "ave": "Average", "max": "Maximum", "dot": "Dot",
          "cos": "Dot"}   # Keras 1's modes
INITIALIZERS = {"zero": "zeros", "one": "ones", "uniform": "random_uniform", "normal": "random_normal",
                "eye": "identity"}
ADD_WEIGHT = ("name", "shape", "dtype", "initializer", "regularizer", "trainable", "constraint")   # in Keras 2
DECLARED = ("input_shape", "batch_input_shape", "input_dim", "input_length", "weights")   # arguments of any layer
SEQUENCES = {"RNN", "Conv1D", "LocallyConnected1D"}     # whose input_dim is the last of two sizes, of a length unknown
COMPILE = {"experimental_run_tf_function": None, "class_mode": None, "cloning": None, "from_serialized": None,
           "experimental_steps_per_execution": "steps_per_execution"}   # of compile(): what it is today, None: nothing
GENERATORS = {"nb_epoch": "epochs", "max_q_size": "max_queue_size", "nb_worker": "workers",
              "pickle_safe": "use_multiprocessing"}
COUNTS = {  # a number of samples -> the argument with the generator, and the number of its batches today
    "samples_per_epoch": ("generator", "steps_per_epoch"), "val_samples": ("generator", "steps"),
    "nb_val_samples": ("validation_data", "validation_steps"),
}


def metrics_come_third(third) -> bool:
    """Whether compile()'s third argument holds metrics, as in Keras 1 and 2, rather than weights of losses."""
    found = [x for x in tree.flatten(third) if x is not None]
    if not found or not all(isinstance(x, str) or callable(x) for x in found):
        return False
    warn_at_user("compile: metrics come after loss_weights: write metrics=", FutureWarning)
    return True


def modern_words(name: str, config: dict) -> dict:
    """The arguments of the layer class of that name in today's words."""
    words = {**WORDS, **CLASSES.get(name, {})}
    renamed = {words.get(k, k): v for k, v in config.items()}
    if "dim_ordering" in renamed:
        renamed["data_format"] = "channels_first" if renamed.pop("dim_ordering") == "th" else "channels_last"
    if "nb_row" in renamed:
        renamed["kernel_size"] = [renamed.pop("nb_row"), renamed.pop("nb_col")]
    if "kernel_dim1" in renamed:
        renamed["kernel_size"] = [renamed.pop(f"kernel_dim{i}") for i in (1, 2, 3)]
    return renamed


def declared_input(kwargs: dict) -> tuple:
    """(shape of a batch, dtype, weights) that the arguments of a layer declare, each None where they do not. They are
    taken out, as are those that change nothing."""
    shape = kwargs.pop("batch_input_shape", kwargs.pop("batch_shape", None))
    batch_size, length = kwargs.pop("batch_size", None), kwargs.pop("input_length", None)
    if shape is None and "input_shape" in kwargs:
        shape = (batch_size, *kwargs.pop("input_shape"))
    elif shape is None and "input_dim" in kwargs:
        shape = (batch_size, *(() if length is None else (length,)), kwargs.pop("input_dim"))
    elif shape is None and length is not None:
        shape = (batch_size, *(length if isinstance(length, (tuple, list)) else (length,)))
    for name in ("input_shape", "input_dim"):
        kwargs.pop(name, None)
    for name in [n for n in NEUTRAL if n in kwargs and kwargs[n] in NEUTRAL[n]]:
        del kwargs[name]
    return None if shape is None else tuple(shape), kwargs.pop("input_dtype", None), kwargs.pop("weights", None)


def with_old_words(init):
    """A layer's __init__ that takes the words of Keras 1 too, and names the nearest argument to a misspelled one."""
    signature = inspect.signature(init)

    @functools.wraps(init)
    def init_with_old_words(self, *args, **kwargs):
        names = [c.__name__ for c in type(self).__mro__]
        _drop_without_effect(names, kwargs, signature.parameters)
        if "input_dim" in kwargs and "input_dim" not in signature.parameters and not SEQUENCES.isdisjoint(names):
            kwargs["input_shape"] = (kwargs.pop("input_length", None), kwargs.pop("input_dim"))
        cls = next((name for name in names if name in CLASSES), "")
        old = {k: v for k, v in kwargs.items() if k not in signature.parameters
               and (k in WORDS or k in CLASSES.get(cls, ()) or k in SEVERAL)}
        if old:
            if len(args) in (3, 4) and cls.startswith("Conv") and all(isinstance(a, int) for a in args):
                args, kwargs["kernel_size"] = args[:1], args[1:]   # nb_filter, nb_row, nb_col
            new = modern_words(cls, old)
            warnings.warn(f"{type(self).__name__}: {', '.join(f'{k}=' for k in old)} of Keras 1 is now "
                          f"{', '.join(f'{k}=' for k in new)}", FutureWarning, stacklevel=2)
            kwargs = {k: v for k, v in kwargs.items() if k not in old} | new
        try:
            signature.bind(self, *args, **kwargs)
        except TypeError as error:
            close = "".join(nearest(k, signature.parameters) for k in kwargs if k not in signature.parameters)
            raise TypeError(f"{type(self).__name__}: {error}, received {args} and {sorted(kwargs)}.{close}") from None
        init(self, *args, **kwargs)
    return init_with_old_words


def _drop_without_effect(names, kwargs, parameters):
    """Take words that change nothing out of the arguments of a class (names: its own, and those of its bases)."""
    words = {k: v for name in names for k, v in WITHOUT_EFFECT.get(name, {}).items() if k not in parameters}
    for word in [k for k in kwargs if k in words]:
        values, today = words[word]
        value = kwargs.pop(word)
        if values is not None and value not in values:
            raise ValueError(f"{names[0]}: {word}: expected {' or '.join(map(repr, values))}, received {value!r}")
        warn_at_user(f"{names[0]}: {word}= has no effect, as in the versions of Keras that had it: "
                     + (f"write {today}" if today else "leave it out"), FutureWarning)


def with_old_counts(method):
    """A method of models for generators that takes the words of Keras 1, which counted samples and not batches."""
    parameters = list(inspect.signature(method).parameters)[2:]
    old_count = next(old for old, (_, new) in COUNTS.items() if new == parameters[0])

    @functools.wraps(method)
    def method_with_old_counts(self, generator, *args, **kwargs):
        kwargs.update(zip(parameters, args))
        if older_than(2):   # where the second argument by place counted samples
            kwargs = {(old_count if k == parameters[0] else k): v for k, v in kwargs.items()}
        sources = {"generator": generator, "validation_data": kwargs.get("validation_data")}
        for old in [k for k in kwargs if k in COUNTS]:
            source, new = COUNTS[old]
            kwargs[new], sources[source] = _batches_in(kwargs.pop(old), sources[source])
            _say(method, old, f"{new}=, which counts batches")
        for old in [k for k in kwargs if k in GENERATORS]:
            kwargs[GENERATORS[old]] = kwargs.pop(old)
            _say(method, old, f"{GENERATORS[old]}=")
        if "validation_data" in kwargs:
            kwargs["validation_data"] = sources["validation_data"]
        return method(self, sources["generator"], **kwargs)
    return method_with_old_counts


def _say(method, old, new):
    warn_at_user(f"{method.__name__}: {old}= of Keras 1 is now {new}", FutureWarning)


def _batches_in(samples, source) -> tuple:
    """(how many batches of a source have so many samples, the source with all its batches)."""
    if samples is None or isinstance(source, (tuple, list)):
        return None, source   # arrays are looked at whole
    size = getattr(source, "batch_size", None)
    if size is None and hasattr(source, "__getitem__"):
        size = _rows(source[0])
    elif size is None:
        source = iter(source)
        first = next(source)
        size, source = _rows(first), itertools.chain([first], source)
    return max(1, -(-int(samples) // size)), source


def _rows(batch) -> int:
    while isinstance(batch, (tuple, list, dict)):
        batch = next(iter(batch.values())) if isinstance(batch, dict) else batch[0]
    return len(batch)


def of_checkpoint(name) -> bool:
    """Whether tf.keras 2 wrote a TensorFlow checkpoint for a name of weights: it ends in .tf or .ckpt (a number may
    follow), or in nothing that tells a format."""
    return re.fullmatch(r"(\.tf|\.ckpt.*|\.[\d{].*|)", os.path.splitext(os.fspath(name))[1].lower()) is not None
