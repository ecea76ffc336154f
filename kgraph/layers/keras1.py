"""The arguments of layers in the words of Keras 1, for its files and for code written then."""
from __future__ import annotations

import functools
import inspect
import warnings

from kgraph.naming import nearest

__all__ = ["modern_words", "with_old_words"]

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


def with_old_words(init):
    """A layer's __init__ that takes the words of Keras 1 too, and names the nearest argument to a misspelled one."""
    signature = inspect.signature(init)

    @functools.wraps(init)
    def init_with_old_words(self, *args, **kwargs):
        cls = next((c.__name__ for c in type(self).__mro__ if c.__name__ in CLASSES), "")
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
