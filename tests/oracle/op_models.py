"""One small functional model for each operation class that Keras's files can name; and the table of these classes.

    KERAS_BACKEND=tensorflow python tests/oracle/op_models.py    in an environment with Keras 3.15.1 (no dependency)

writes tests/data/op_models.json.xz (the configs, as Keras writes them), tests/data/op_models.npz (what Keras predicts)
and kgraph/graph/op_classes.txt (each class with the parameters of its __init__ and of its call). The uses are
those of op_uses.txt, one a line.
"""
from __future__ import annotations

import ast
import importlib
import inspect
import json
import lzma
import warnings
from pathlib import Path

import numpy as np

HERE = Path(__file__).parents[1]
RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.normal(size=shape).astype("float32")


def spread(*shape, low=0.0, high=1.0):
    return RNG.uniform(low, high, shape).astype("float32")


def whole(*shape, high=4):
    return RNG.integers(0, high, shape).astype("int32")


SQUARE = normal(3, 3, 3)
X = normal(3, 4)
# The inputs that a model may use, by the names that they have in USES.
INPUTS = {
    "x": X, "y": normal(3, 4), "p": spread(3, 4, low=0.1, high=0.9), "u": spread(3, 4, low=-0.9, high=0.9),
    "h": np.where(X > 0.5, np.nan, X).astype("float32"), "i": whole(3, 4), "j": whole(3, 4) + 1, "b": X > 0,
    "f": np.where(X > 0.5, np.inf, X).astype("float32"), "v": normal(4), "w": normal(4), "n": whole(4),
    "o": np.float32([0.5, 1.5, 2.5, 3.5]), "t": normal(3, 2, 4), "m": SQUARE + 3 * np.eye(3, dtype="float32"),
    "s": (SQUARE @ SQUARE.transpose(0, 2, 1) + np.eye(3)).astype("float32"), "im": spread(2, 8, 8, 3),
    "im2": spread(2, 8, 8, 3), "im8": spread(2, 8, 8, 4), "se": normal(2, 16), "se2": normal(2, 16),
    "k": normal(3, 3, 4, 5), "dk": normal(3, 3, 4, 1), "pk": normal(1, 1, 4, 5), "tk": normal(3, 3, 5, 4),
    "at": normal(2, 5, 2, 4), "av": normal(2, 5, 2, 4), "c": normal(3, 5, 3), "d": normal(4, 3), "z": normal(4, 5),
    "e": np.int32([0, 1, 0, 2]), "l": np.int32([[0, 1, 2], [2, 1, 0], [1, 1, 2]]), "g": np.int32([1, 2]),
    "q": np.float32([0.25, 0.5]), "r": np.float32(0.5), "one": np.int32(1),
    "tf": np.float32([[1, 0.1, 0.5, 0, 0.9, 0, 0, 0], [0.8, 0, 1, 0.1, 1, 0, 0, 0]]),
    "pts": np.float32([[[0, 0], [0, 7], [7, 0], [7, 7]]] * 2),
    "pts2": np.float32([[[1, 0], [0, 6], [7, 1], [6, 7]]] * 2), "lab": np.int32([[1, 2, 1], [2, 2, 0], [1, 0, 0]]),
    "lg": normal(3, 5, 4), "ln": np.int32([3, 2, 1]), "ll": np.int32([5, 5, 4]), "ls": np.int32([0, 2, 1]),
    "o3": np.float32([3, 5, 7]), "s2": normal(4, 4), "co": spread(2, 3, 4, high=2.9), "fo": normal(2, 12, 9),
}

FUNCTIONS = {"PLUS": lambda a, b: a + b, "DOUBLE": lambda a: a * 2.0, "TRIPLE": lambda a: a * 3.0}

BATCHED = set("x y p u h f i j b t m s im im2 im8 se se2 at av c lab lg ln ll ls pts pts2 tf fo".split())

USES = (Path(__file__).parent / "op_uses.txt").read_text().splitlines()


def operands(use: str) -> list:
    """The names of INPUTS in a use, in the order in which they come first."""
    names = (token for token in ast.walk(ast.parse(use)) if isinstance(token, ast.Name) and token.id in INPUTS)
    return list(dict.fromkeys(n.id for n in sorted(names, key=lambda n: n.col_offset)))


def model_of(keras, use: str, any_batch: bool):
    """A functional model of one use."""
    shape = lambda n: (None, *INPUTS[n].shape[1:]) if any_batch and n in BATCHED else INPUTS[n].shape
    inputs = {n: keras.Input(batch_shape=shape(n), dtype=INPUTS[n].dtype.name, name=n) for n in operands(use)}
    return keras.Model(list(inputs.values()), keras.tree.flatten(evaluated(keras, use, inputs)))


def evaluated(keras, use, operands):
    return eval(use, {"keras": keras, "ops": keras.ops, "act": keras.activations, **FUNCTIONS, **operands})


def answers(keras, model, use) -> list:
    found = model([INPUTS[n] for n in operands(use)])
    return [np.asarray(keras.ops.convert_to_numpy(x)) for x in keras.tree.flatten(found)]


def made(keras, use):
    """(the config of a model, what it answers): for any batch size where Keras can do that. Of models that Keras
    writes, but cannot run or read, the answers are those of the function itself, or none."""
    first = None
    for any_batch in (True, False):
        try:
            model = model_of(keras, use, any_batch)
            text = json.dumps(keras.saving.serialize_keras_object(model))
            first = first or text
            found = answers(keras, model, use)
            again = answers(keras, keras.saving.deserialize_keras_object(json.loads(text), safe_mode=False), use)
            assert all(a.shape == b.shape for a, b in zip(found, again))
            return json.loads(text), found
        except Exception as error:
            failure = error
    if first is None:
        raise failure
    print("NOT BY KERAS", use, type(failure).__name__, str(failure).strip().replace("\n", " ")[:120])
    try:
        found = evaluated(keras, use, {n: keras.ops.convert_to_tensor(INPUTS[n]) for n in operands(use)})
        return json.loads(first), [np.asarray(keras.ops.convert_to_numpy(x)) for x in keras.tree.flatten(found)]
    except Exception:
        return json.loads(first), []


def total_of(ops, outputs):
    """One number that depends on each element of the float outputs; None where there is no float."""
    floats = [y for y in outputs if "float" in str(ops.dtype(y))]
    return sum(ops.sum(y * wave(y.shape, y.dtype)) for y in floats) if floats else None


def wave(shape, dtype="float32"):
    return np.sin(1.0 + np.arange(int(np.prod(shape)))).reshape(shape).astype(str(getattr(dtype, "name", dtype)))


def derivative(gradients) -> list:
    """Of the gradient of each input its part along a fixed direction: one number, NaN where there is none."""
    along = lambda g: np.nan if g is None else float(np.sum(np.asarray(g, "float64") * wave(np.shape(g))))
    return np.array([along(g) for g in gradients])


def derivatives(keras, use):
    """What TensorFlow says of the gradients of a use, for each float input."""
    tf = importlib.import_module("tensorflow")
    inputs = {n: tf.Variable(INPUTS[n]) for n in operands(use)}
    floats = [v for v in inputs.values() if v.dtype.is_floating]
    with tf.GradientTape() as tape:
        given = {n: tf.convert_to_tensor(v) for n, v in inputs.items()}
        total = total_of(keras.ops, keras.tree.flatten(evaluated(keras, use, given)))
    if total is None or not floats:
        return None
    found = [None if g is None else tf.convert_to_tensor(g) for g in tape.gradient(total, floats)]
    return derivative(found)


def classes(keras) -> dict:
    """(module, class name) -> (parameters of __init__, parameters of call), of all operations that are no layers."""
    root, found = importlib.import_module("keras.src.ops.operation").Operation, {}
    stack = [root]
    while stack:
        cls = stack.pop()
        stack += cls.__subclasses__()
        if issubclass(cls, keras.Layer) or cls in (root, keras.Function if hasattr(keras, "Function") else root):
            continue
        names = lambda f: [("*" if p.kind is p.VAR_POSITIONAL else "") + p.name
                           for p in list(inspect.signature(f).parameters.values())[1:]
                           if p.name != "name" and p.kind is not p.VAR_KEYWORD]
        found[cls.__module__, cls.__name__] = names(cls.__init__), names(cls.call)
    return found


def main():
    warnings.filterwarnings("ignore")
    keras = importlib.import_module("keras")
    configs, arrays, met = {}, {}, set()
    for use in USES:
        try:
            config, found = made(keras, use)
        except Exception as error:
            print("FAILS", use, type(error).__name__, str(error).strip().replace("\n", " ")[:150])
            continue
        configs[use] = config
        arrays |= {f"{len(configs) - 1}_{k}": a for k, a in enumerate(found)}
        try:
            slopes = derivatives(keras, use)
        except Exception as error:
            print("NO GRADIENT", use, type(error).__name__, str(error).strip().replace("\n", " ")[:100])
            slopes = None
        if slopes is not None:
            arrays[f"{len(configs) - 1}_gradient"] = slopes
        met |= {(entry["module"], entry["class_name"]) for entry in config["config"]["layers"]}
    known = classes(keras)
    print("without a use:", *sorted(f"{module.rpartition('.')[2]}.{name}" for module, name in known.keys() - met))
    text = "".join(f"{module} {name}({', '.join(init)}; {', '.join(call)})\n"
                   for (module, name), (init, call) in sorted(known.items()))
    (HERE.parent / "kgraph" / "graph" / "op_classes.txt").write_text(text)
    (HERE / "data" / "op_models.json.xz").write_bytes(lzma.compress(json.dumps(configs).encode(), preset=9))
    np.savez_compressed(HERE / "data" / "op_models.npz", **arrays)
    print(len(configs), "models of Keras", keras.__version__, "and", len(known), "classes")


if __name__ == "__main__":
    main()
