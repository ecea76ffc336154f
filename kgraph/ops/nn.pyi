# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph.ops.activations import celu as celu, elu as elu, gelu as gelu, glu as glu, hard_shrink as hard_shrink, hard_sigmoid as hard_sigmoid, hard_silu as hard_silu, hard_silu as hard_swish, hard_tanh as hard_tanh, leaky_relu as leaky_relu, log_sigmoid as log_sigmoid, log_softmax as log_softmax, relu as relu, relu6 as relu6, selu as selu, sigmoid as sigmoid, silu as silu, silu as swish, soft_shrink as soft_shrink, softmax as softmax, softplus as softplus, softsign as softsign, sparse_plus as sparse_plus, sparse_sigmoid as sparse_sigmoid, sparsemax as sparsemax, squareplus as squareplus, tanh_shrink as tanh_shrink, threshold as threshold
from kgraph.ops.attention import dot_product_attention as dot_product_attention
from kgraph.ops.ctc import ctc_decode as ctc_decode, ctc_loss as ctc_loss
from kgraph.ops.index import multi_hot as multi_hot, one_hot as one_hot
from kgraph.ops.linalg import normalize as normalize
from kgraph.ops.neural import batch_normalization as batch_normalization, binary_crossentropy as binary_crossentropy, categorical_crossentropy as categorical_crossentropy, depth_to_space as depth_to_space, layer_normalization as layer_normalization, psnr as psnr, rms_normalization as rms_normalization, space_to_depth as space_to_depth, sparse_categorical_crossentropy as sparse_categorical_crossentropy
from kgraph.ops.patches import fold as fold, unfold as unfold
from kgraph.ops.reduce import moments as moments
from kgraph.ops.reinterpret import polar as polar
from kgraph.ops.window import adaptive_average_pool as adaptive_average_pool, adaptive_max_pool as adaptive_max_pool, average_pool as average_pool, conv as conv, conv_transpose as conv_transpose, depthwise_conv as depthwise_conv, max_pool as max_pool, separable_conv as separable_conv

__all__ = [
    "adaptive_average_pool",
    "adaptive_max_pool",
    "average_pool",
    "batch_normalization",
    "binary_crossentropy",
    "categorical_crossentropy",
    "celu",
    "conv",
    "conv_transpose",
    "ctc_decode",
    "ctc_loss",
    "depth_to_space",
    "depthwise_conv",
    "dot_product_attention",
    "elu",
    "fold",
    "gelu",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "layer_normalization",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "max_pool",
    "moments",
    "multi_hot",
    "normalize",
    "one_hot",
    "polar",
    "psnr",
    "relu",
    "relu6",
    "rms_normalization",
    "selu",
    "separable_conv",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "space_to_depth",
    "sparse_categorical_crossentropy",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh_shrink",
    "threshold",
    "unfold",
]
