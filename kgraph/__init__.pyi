# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph import activations as activations, applications as applications, backend as backend, callbacks as callbacks, config as config, constraints as constraints, datasets as datasets, distillation as distillation, distribution as distribution, export as export, initializers as initializers, inspect as inspect, layers as layers, losses as losses, metrics as metrics, mixed_precision as mixed_precision, models as models, objectives as objectives, ops as ops, optimizers as optimizers, preprocessing as preprocessing, quantizers as quantizers, random as random, regularizers as regularizers, saving as saving, tree as tree, utils as utils, visualization as visualization, wrappers as wrappers
from kgraph.calibration import quantize as quantize
from kgraph.dtype_policies import DTypePolicy as DTypePolicy, DTypePolicy as FloatDTypePolicy
from kgraph.export.bundle import load_bundle as load_bundle
from kgraph.function import function as function
from kgraph.gradient import GradientTape as GradientTape, value_and_grad as value_and_grad
from kgraph.graph.function import Function as Function
from kgraph.graph.operation import Operation as Operation
from kgraph.graph.tensor import KTensor as KTensor, KTensor as KerasTensor
from kgraph.initializers import Initializer as Initializer
from kgraph.inspect.profiling import profile as profile
from kgraph.layers.base import Layer as Layer
from kgraph.layers.input_layer import Input as Input
from kgraph.layers.input_spec import InputSpec as InputSpec
from kgraph.losses.loss import Loss as Loss
from kgraph.metrics.metric import Metric as Metric
from kgraph.models.model import Model as Model
from kgraph.models.sequential import Sequential as Sequential
from kgraph.onnx.load import load_onnx as load_onnx
from kgraph.optimizers.optimizer import Optimizer as Optimizer
from kgraph.programs.aliases import install_as_keras as install_as_keras, uninstall_as_keras as uninstall_as_keras
from kgraph.quantizers.quantizer import Quantizer as Quantizer
from kgraph.random import SeedGenerator as SeedGenerator
from kgraph.regularizers import Regularizer as Regularizer
from kgraph.runtime.thread_pool import get_num_threads as get_num_threads, set_num_threads as set_num_threads
from kgraph.scopes import RematScope as RematScope, SymbolicScope as SymbolicScope, device as device, name_scope as name_scope, remat as remat
from kgraph.stateless import StatelessScope as StatelessScope
from kgraph.utils.session import set_random_seed as set_random_seed
from kgraph.variable import Variable as Variable

__version__: str
def version() -> str: ...

__all__ = [
    "DTypePolicy",
    "FloatDTypePolicy",
    "Function",
    "GradientTape",
    "Initializer",
    "Input",
    "InputSpec",
    "KTensor",
    "KerasTensor",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Operation",
    "Optimizer",
    "Quantizer",
    "Regularizer",
    "RematScope",
    "SeedGenerator",
    "Sequential",
    "StatelessScope",
    "SymbolicScope",
    "Variable",
    "__version__",
    "activations",
    "applications",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "device",
    "distillation",
    "distribution",
    "export",
    "function",
    "get_num_threads",
    "initializers",
    "inspect",
    "install_as_keras",
    "layers",
    "load_bundle",
    "load_onnx",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "name_scope",
    "objectives",
    "ops",
    "optimizers",
    "preprocessing",
    "profile",
    "quantize",
    "quantizers",
    "random",
    "regularizers",
    "remat",
    "saving",
    "set_num_threads",
    "set_random_seed",
    "tree",
    "uninstall_as_keras",
    "utils",
    "value_and_grad",
    "version",
    "visualization",
    "wrappers",
]
