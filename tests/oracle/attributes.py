"""The public attributes of an object of each public class, with the values of those that are plain, as Keras has them.

    KERAS_BACKEND=tensorflow python tests/oracle/attributes.py    in an environment with Keras 3.15.1 (no dependency)

writes tests/data/attributes.json.xz. The objects are the first of each class in config_uses.txt, layers after a call,
and those of MORE.
"""
from __future__ import annotations

import importlib
import json
import lzma
import sys
import warnings
from pathlib import Path

import numpy as np

DATA = Path(__file__).parents[1] / "data" / "attributes.json.xz"
USES = (Path(__file__).parent / "config_uses.txt").read_text().splitlines()
SIZES = ((2, 6), (2, 6, 8), (2, 6, 8, 3), (2, 6, 8, 5, 3), (2, 3, 6, 8, 5, 3))   # of inputs to try
FITTED = """
(m := {model}) and m.compile({arguments}) or m.fit(X, Y, verbose=0, batch_size=4) and m
"""
SEQUENTIAL = "K.Sequential([K.Input((6,)), L.Dense(3, name='a')])"
FUNCTIONAL = "(lambda x: K.Model(x, L.Dense(3, name='a')(x)))(K.Input((6,)))"
MORE = [    # expressions of K, L and a random batch X, Y
    SEQUENTIAL, FUNCTIONAL, "L.Layer()", "K.Model()",
    *[FITTED.format(model=model, arguments=arguments).strip() for model in (SEQUENTIAL, FUNCTIONAL) for arguments in (
        "K.optimizers.SGD(0.1), 'mse'", "'adam', 'mae', metrics=['mae'], loss_weights=[2.0], jit_compile=False")],
    "K.Input((6,), name='x')", "K.Variable(X, name='v')", "K.metrics.MeanMetricWrapper(K.losses.mean_squared_error)",
    "L.Dense(3)(K.Input((6,)))", "K.InputSpec(shape=(2, 3))", "K.DTypePolicy('mixed_bfloat16')",
    "K.dtype_policies.DTypePolicyMap()", "K.dtype_policies.QuantizedDTypePolicy('int8', 'float32')",
    "K.random.SeedGenerator(3)", "K.initializers.RandomNormal(seed=3)", "K.quantizers.AbsMaxQuantizer(axis=0)",
    "K.quantizers.Int8QuantizationConfig()", "K.quantizers.Int4QuantizationConfig()", "K.name_scope('n')",
    "K.StatelessScope()", "K.SymbolicScope()", "K.RematScope('full')", "K.losses.Loss()", "K.metrics.Metric()",
    "K.optimizers.Optimizer(0.1)", "K.saving.CustomObjectScope({})", "K.utils.Progbar(3)", "K.utils.Config(a=1)",
    "K.utils.PyDataset()", "K.utils.FeatureSpace({'a': 'float'})", "K.utils.CustomObjectScope({})",
    "K.distribution.DeviceMesh((1,), ['batch'], devices=['cpu:0'])", "K.distribution.TensorLayout(['batch', None])",
    "K.tree.MAP_TO_NONE", "K.callbacks.History()", "K.callbacks.Callback()", "K.callbacks.CallbackList()",
    "K.callbacks.BackupAndRestore('x')", "K.callbacks.CSVLogger('x')", "K.callbacks.EarlyStopping()",
    "K.callbacks.LambdaCallback()", "K.callbacks.LearningRateScheduler(print)",
    "K.callbacks.ModelCheckpoint('x.keras')",
    "K.callbacks.ProgbarLogger()", "K.callbacks.ReduceLROnPlateau()", "K.callbacks.RemoteMonitor()",
    "K.callbacks.SwapEMAWeights()", "K.callbacks.TensorBoard('x')", "K.callbacks.TerminateOnNaN()",
    "K.optimizers.MultiOptimizer([(K.optimizers.SGD(), lambda v: True)])", "K.constraints.Constraint()",
    "K.regularizers.Regularizer()", "K.initializers.Initializer()", "K.optimizers.schedules.LearningRateSchedule()",
    "K.Operation()", "L.Lambda(abs)", "K.Function(*2 * [K.Input((6,))])", "K.export.ExportArchive()",
    "K.distillation.LogitsDistillation()", "K.distillation.FeatureDistillation('mse')",
    "K.distillation.Distiller(*2 * [K.Sequential([K.Input((6,)), L.Dense(3)])], [K.distillation.LogitsDistillation()])",
]


def uses() -> list:
    """The first use of each class in config_uses.txt, and the further ones."""
    first = {}
    for use in USES:
        first.setdefault(use.partition("(")[0], use)
    return [*first.values(), *MORE]


def make(K, use: str, size=None):
    """The object of a use; a layer is called on zeros of a size, or on two or three of them where it wants more."""
    K.utils.clear_session()
    x = eval(use, {"K": K, "L": K.layers, "X": np.ones((4, 6), "float32"), "Y": np.ones((4, 3), "float32")})
    if size is not None:
        zeros = K.ops.zeros(size[1:], dtype="int32" if "Embedding" in use else "float32")
        x(*{1: [zeros], 2: [[zeros, zeros]], 3: [zeros, zeros]}[size[0]])
    return x


def sizes(use: str) -> list:
    """What a layer is tried on: (how many inputs, size of each), and None where it is not called."""
    if not use.startswith("L.") or "InputLayer" in use:
        return [None]
    if use.startswith("L.Adaptive"):
        return [(1, *SIZES[int(use.partition("D(")[0][-1])])]
    return [*((many, *size) for many in (1, 2, 3) for size in SIZES), None]


def attributes(x, names=None) -> dict:
    """{public name: [its value] where that is plain, [] elsewhere}, of the names that can be read."""
    found = {}
    for name in sorted(n for n in dir(x) if not n.startswith("_")) if names is None else names:
        try:
            found[name] = plain(getattr(x, name))
        except Exception:
            continue
    return found


def plain(x) -> list:
    """[x as JSON has it], [] where it is no number, text or sequence of these."""
    if isinstance(x, (list, tuple)):
        parts = [plain(y) for y in x]
        return [[y[0] for y in parts]] if all(parts) else []
    return [x] if isinstance(x, (bool, int, float, str, type(None))) else []


def main():
    warnings.filterwarnings("ignore")
    keras = importlib.import_module("keras")
    found = {}
    for use in uses():
        failed = None
        for size in sizes(use):
            try:
                found[use] = {"size": size, "attributes": attributes(make(keras, use, size))}
                break
            except Exception as error:
                failed = error
        if use not in found:
            print("FAILS", use, str(failed)[:200], file=sys.stderr)
        elif size is None and use.startswith("L."):
            print("not called", use, str(failed)[:200], file=sys.stderr)
        else:
            print(use, size, flush=True)
    DATA.write_bytes(lzma.compress(json.dumps(found, sort_keys=True).encode()))
    print(f"{len(found)} objects of Keras {keras.__version__} in {DATA}, {DATA.stat().st_size} bytes")


if __name__ == "__main__":
    main()
