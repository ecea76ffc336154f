"""Kernels of two commits side by side: a pure move shows no difference, a change shows its text.

    python tests/compiler/replay.py record FOLDER     at one commit: one file a case
    python tests/compiler/replay.py compare FOLDER    at another: what differs, and exit status 1 if anything does

What is compared is the kernel's program, not how it is laid out: names of locals are numbered in order of appearance,
comments and brackets that mean nothing are gone. Its argument words, extent and scratch belong to it. The native
routines are cases too, for some machines; their whole numbers are worked out as far as they are known.
"""
import ast
import difflib
import os
import sys
from functools import partial
from pathlib import Path

os.environ.setdefault("KGRAPH_CHECK", "1")
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

import numpy as np  # noqa: E402
from corpus import CASES, StatefulCase, compiled_case  # noqa: E402

import kgraph  # noqa: E402
from kgraph import layers  # noqa: E402
from kgraph.codegen.target import Machine, compiling_for  # noqa: E402
from kgraph.compiler.ir import TensorType, Value  # noqa: E402
from kgraph.compiler.plan import Address, Code  # noqa: E402
from kgraph.compiler.primitive import PRIMITIVES  # noqa: E402
from kgraph.compiler.printing import kernel_source  # noqa: E402
from kgraph.compiler.trace import bind  # noqa: E402
from kgraph.function import build  # noqa: E402
from kgraph.inspect.programs import compiled_step  # noqa: E402
from kgraph.kernels import walk  # noqa: E402
from kgraph.runtime.routines import MODULES  # noqa: E402


class _Renamed(ast.NodeTransformer):
    """Locals by their number; parameters and functions of the language keep their names. x += 1 is x = x + 1."""

    def visit_For(self, node):
        if len(node.iter.args) == 2 and ast.unparse(node.iter.args[0]) == "0":
            del node.iter.args[0]
        return self.generic_visit(node)

    def visit_AugAssign(self, node):
        old = ast.Name(node.target.id) if isinstance(node.target, ast.Name) else ast.Subscript(
            node.target.value, node.target.slice)
        return self.visit(ast.Assign([node.target], ast.BinOp(old, node.op, node.value), lineno=0))

    def visit_Assign(self, node):
        pairs = zip(node.targets[0].elts, node.value.elts) if isinstance(node.targets[0], ast.Tuple) else \
            [(node.targets[0], node.value)]
        return [self.generic_visit(ast.Assign([target], value, lineno=0)) for target, value in pairs]

    def __init__(self, tree):
        stored = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        self.stored, self.names = stored, {}

    def visit_Name(self, node):
        if node.id in self.stored:
            node.id = self.names.setdefault(node.id, f"v{len(self.names)}")
        return node


def canonical(source: str) -> str:
    """The text of a kernel's program alone."""
    tree = ast.parse(source)
    tree.body[0].name = "kernel"
    return ast.unparse(_Renamed(tree).visit(tree))


def described(word, names) -> str:
    """An argument word, in which values go by their place in the kernel."""
    if isinstance(word, Value):
        return f"{names.setdefault(word, len(names))}:{word.type}"
    if isinstance(word, Address):
        return f"{described(word.value, names)}+{word.offset}"
    if isinstance(word, Code):
        return "code"
    return f"{type(word).__name__} {word if not hasattr(word, 'name') else word.name}"


def kernel_text(kernel) -> str:
    names: dict = {}
    head = f"extent {kernel.extent} grain {kernel.grain} scratch {kernel.scratch} work {kernel.work}"
    words = "\n".join(f"  {described(w, names)}" for w in kernel.args)
    inner = "\n".join(kernel_text(w.kernel) for w in kernel.args if isinstance(w, Code))
    return f"{head}\n{words}\n{canonical(kernel.source)}\n{inner}"


def _apply(prim, params, *xs):
    result = bind(prim, *xs, **params)
    return list(result) if isinstance(result, tuple) else [result]


def plans():
    """(name, plan) of every case."""
    for name in CASES:
        yield name, compiled_case(name).plan
    yield "stateful", StatefulCase().compiled().plan
    for name, prim in sorted(PRIMITIVES.items()):
        if prim.lower in ("linalg", "host") or name == "fused":
            continue
        for i, (arrays, params) in enumerate(prim.examples(np.random.default_rng(0))):
            types = [TensorType(a.shape, a.dtype.name) for a in map(np.asarray, arrays)]
            yield f"{name}-{i}", build(name, partial(_apply, prim, params), types).plan
    yield from model_plans()


MODELS = {
    "mlp": lambda: [layers.Input((20,)), layers.Dense(32, "relu"), layers.Dropout(0.3), layers.BatchNormalization(),
                    layers.Dense(3, "softmax")],
    "cnn": lambda: [layers.Input((17, 19, 3)), layers.Conv2D(32, 3, activation="relu"), layers.BatchNormalization(),
                    layers.MaxPooling2D(), layers.Conv2D(32, 3, padding="same"), layers.ReLU(),
                    layers.DepthwiseConv2D(3, strides=2), layers.AveragePooling2D(), layers.Flatten(),
                    layers.Dense(3, "softmax")],
    "convolutions": lambda: [layers.Input((9, 11, 24)), layers.Conv2D(32, 3, padding="same"),
                             layers.Conv2D(32, 3, groups=4, dilation_rate=2), layers.Conv2D(16, 1),
                             layers.Conv2DTranspose(8, 3, strides=2), layers.SeparableConv2D(5, 3, strides=2),
                             layers.GlobalMaxPooling2D(), layers.Dense(3)],
    "volumes": lambda: [layers.Input((5, None, 6, 3)), layers.Conv3D(4, (2, 3, 1), padding="same", activation="tanh"),
                        layers.MaxPooling3D(2, 1), layers.GlobalAveragePooling3D(), layers.Dense(3)],
    "double": lambda: [layers.Input((9, 11, 24), dtype="float64"), layers.Conv2D(24, 3, dtype="float64"),
                       layers.MaxPooling2D(2, dtype="float64"), layers.Flatten(dtype="float64"),
                       layers.Dense(3, dtype="float64")],
    "narrow": lambda: [layers.Input((20,)), layers.Dense(32, "relu", dtype="mixed_bfloat16"),
                       layers.Dense(3, dtype="mixed_float16")],
    "lstm": lambda: [layers.Input((None, 5)), layers.LSTM(8, return_sequences=True), layers.GRU(7),
                     layers.Dense(3, "softmax")],
    "text": lambda: [layers.Input((12,), dtype="int32"), layers.Embedding(50, 8), layers.LayerNormalization(),
                     layers.Conv1D(9, 3, padding="causal"), layers.MaxPooling1D(3, 2),
                     layers.GlobalAveragePooling1D(), layers.Dense(3, "softmax")],
    "attention": lambda: [layers.Input((12, 8)), _SelfAttention(), layers.GlobalMaxPooling1D(),
                          layers.Dense(3, "softmax")],
}


class _SelfAttention(layers.Layer):
    def __init__(self):
        super().__init__()
        self.attention = layers.MultiHeadAttention(2, 4)

    def call(self, x):
        return x + self.attention(x, x)


def model_plans():
    for name, make in MODELS.items():
        model = kgraph.Sequential(make())
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        for which in ("train", "predict"):
            x = np.zeros([4 if n is None else n for n in model.inputs[0].shape], model.inputs[0].dtype)
            yield f"{name}-{which}", compiled_step(model, which, x, np.zeros(4, "int32")).plan


class _Folded(ast.NodeTransformer):
    """Whole numbers worked out."""

    def visit_BinOp(self, node):
        node = self.generic_visit(node)
        known = [isinstance(x, ast.Constant) and type(x.value) is int for x in (node.left, node.right)]
        return ast.parse(repr(eval(ast.unparse(node)))).body[0].value if all(known) else node


MACHINES = [Machine("x86-64-v4", "", 64, 32), Machine("x86-64-v3", "", 32, 16), Machine("generic", "", 16, 32, False),
            Machine("x86-64", "", 16, 16, False, little=True)]


def routine_texts():
    for machine in MACHINES:
        with compiling_for(machine):
            for module in (*MODULES, walk):
                for name in module.ROUTINES:
                    function = module.function(name)
                    tiles = "\n".join(function.nest.tiles)
                    text = ast.unparse(_Folded().visit(ast.parse(canonical(kernel_source(function.nest, name)))))
                    yield f"{name}-{machine.cpu}", f"{text}\n{tiles}"


def texts():
    """(name, text) of every case."""
    for name, plan in plans():
        yield name, "\n".join(map(kernel_text, plan.kernels))
    yield from routine_texts()


def main(what, folder):
    folder, changed = Path(folder), 0
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts():
        file = folder / f"{name}.txt"
        if what == "record":
            file.write_text(text)
        elif (before := file.read_text() if file.exists() else "") != text:
            changed += 1
            sys.stdout.writelines(difflib.unified_diff(before.splitlines(True), text.splitlines(True), name, name, n=2))
    print(f"{changed} cases differ" if what == "compare" else "recorded")
    return changed > 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
