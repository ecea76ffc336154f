"""What the tests of exported ONNX files share: a model beside ONNX Runtime; the check_layer lines of all layers."""
import importlib.util
import inspect
import itertools
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from kgraph import tree
from kgraph.compiler.trace import Tensor
from kgraph.onnx import writer
from kgraph.onnx.to_onnx import Graph

TESTS = Path(__file__).parents[1]


def load(path):
    """A test file as a module of another name."""
    folders = [str(p) for p in path.parents if TESTS in p.parents]   # for what it imports
    sys.path += [p for p in folders if p not in sys.path]
    spec = importlib.util.spec_from_file_location(f"again_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def file_of(program, path, opset, inputs, constants=()):
    """A file of a program, whose inputs are called x0, x1 ..."""
    graph = Graph(opset)
    for i, v in enumerate(inputs):
        graph.sizes.note(graph.add_input(v, f"x{i}"), v.shape)
    for v, array in constants:
        graph.put(v, graph.known(array))
    graph.run(program)
    graph.finish(program.outputs)
    message = writer._model(onnx, graph, program.name, opset, None)
    onnx.checker.check_model(message, full_check=True)
    path.write_bytes(message.SerializeToString())


def session(path):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def check(path, model, *batches, rtol=1e-5, atol=1e-5):
    """ONNX Runtime gives what the model gives, for each list of input arrays."""
    running = session(path)
    names = model.input_names
    assert [i.name for i in running.get_inputs()][:len(names)] == names
    for arrays in batches:
        found = running.run(None, dict(zip(names, arrays)))
        wanted = model(tree.pack_sequence_as(model._inputs, [Tensor(a) for a in arrays]), training=False)
        for got, want in zip(found, tree.flatten(wanted)):
            equal(got, want.numpy(), rtol, atol)


def equal(got, want, rtol=1e-5, atol=1e-5):
    """Of one shape and dtype, reals within 1e-5 of the largest."""
    assert (got.shape, got.dtype) == (want.shape, want.dtype)
    if want.dtype.kind == "f":
        largest = max([1, *np.abs(want[np.isfinite(want)].ravel())])
        np.testing.assert_allclose(got, want, rtol, atol * largest)
    else:
        np.testing.assert_array_equal(got, want)


class Recorded(Exception):
    """Ends a test as soon as it has called check_layer."""


def layer_lines():
    """(name, Case) for each call of check_layer in tests/layers."""
    for path in sorted((TESTS / "layers").glob("test_*.py")):
        if "check_layer(" not in path.read_text():
            continue
        module = load(path)
        for name, function in vars(module).items():
            if name.startswith("test_") and "check_layer" in function.__code__.co_names:
                for i, arguments in enumerate(_parameters(function)):
                    case = _recorded(module, function, arguments)
                    yield f"{path.stem.removeprefix('test_')}-{i}-{case.cls.__name__}", case


def _parameters(function):
    """The arguments of each run of a test that is parametrized."""
    marks = [m for m in getattr(function, "pytestmark", []) if m.name == "parametrize"]
    tables = []
    for mark in marks:
        names = [n.strip() for n in mark.args[0].split(",")] if isinstance(mark.args[0], str) else list(mark.args[0])
        rows = [getattr(row, "values", row) if not isinstance(row, dict) else row for row in mark.args[1]]
        tables.append([dict(zip(names, row if len(names) > 1 else (row,))) for row in rows])
    for rows in itertools.product(*tables):
        arguments = {k: v for row in rows for k, v in row.items()}
        assert set(arguments) == set(inspect.signature(function).parameters), f"{function.__name__} has fixtures"
        yield arguments


def _recorded(module, function, arguments):
    from check_layer import Case
    found = []

    def check_layer(cls, kwargs, shapes, *, high=None, call=None, **others):
        found.append(Case(cls, kwargs, shapes, high, call))
        raise Recorded

    module.check_layer = check_layer
    try:
        function(**arguments)
    except Recorded:
        return found[0]
    raise AssertionError(f"{function.__name__} did not call check_layer")
