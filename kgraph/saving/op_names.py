"""The functions of kgraph.ops under the class names that Keras 3 gives them in configs: relu is nn's Relu."""
from __future__ import annotations

from collections.abc import Mapping

from kgraph.graph import MaskOf, OpFunction
from kgraph.naming import to_snake_case
from kgraph.ops.core import OPS

__all__ = ["OBJECTS", "identity_of"]

_SPECIAL = {"AllClose": "allclose", "BatchNorm": "batch_normalization", "CDist": "cdist", "IsIn": "isin",
            "LayerNorm": "layer_normalization", "PSNR": "psnr", "RMSNorm": "rms_normalization",
            "SearchSorted": "searchsorted"}
_CLASS_NAMES = {function: class_name for class_name, function in _SPECIAL.items()}
_OTHER_MODULES = {
    "core": "cast convert_to_tensor saturate_cast scatter scatter_update slice slice_update stop_gradient unstack",
    "linalg": "cholesky det eigh inv lu_factor norm qr solve solve_triangular svd",
    "math": "cdist erf erfc erfinv in_top_k logsumexp rsqrt segment_max segment_min segment_prod segment_sum top_k",
    "nn": "batch_normalization binary_crossentropy categorical_crossentropy celu conv depth_to_space depthwise_conv "
    "dot_product_attention elu gelu glu hard_shrink hard_sigmoid hard_silu hard_tanh layer_normalization leaky_relu "
    "log_sigmoid log_softmax max_pool average_pool moments multi_hot normalize one_hot psnr relu relu6 "
    "rms_normalization selu sigmoid silu soft_shrink softmax softplus softsign space_to_depth "
    "sparse_categorical_crossentropy sparse_plus sparse_sigmoid sparsemax squareplus tanh_shrink threshold",
}
_MODULE_OF = {name: module for module, names in _OTHER_MODULES.items() for name in names.split()}


def identity_of(name: str) -> tuple:
    """(module, class name, registered name) of the function of kgraph.ops with that name."""
    class_name = _CLASS_NAMES.get(name) or "".join(part.capitalize() for part in name.split("_"))
    return f"keras.src.ops.{_MODULE_OF.get(name, 'numpy')}", class_name, class_name


class _Revived:
    """What from_config of a function's class makes: a recorded call of that function."""

    def __init__(self, name):
        self.function = OPS[name]

    def from_config(self, config):
        return OpFunction(self.function, **config)


class _Table(Mapping):
    """class name -> the maker of that operation, for every function of kgraph.ops."""

    def __getitem__(self, class_name):
        if class_name == "MaskOf":
            return MaskOf
        return _Revived(_SPECIAL.get(class_name) or to_snake_case(class_name))

    def __contains__(self, class_name):
        return class_name == "MaskOf" or (_SPECIAL.get(class_name) or to_snake_case(str(class_name))) in OPS

    def __iter__(self):
        return (identity_of(name)[1] for name in OPS)

    def __len__(self):
        return len(OPS)


OBJECTS = _Table()
