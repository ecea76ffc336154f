"""A model as an ONNX file: its prediction is traced, and each operation written by the table of kgraph.onnx.to_onnx."""
from __future__ import annotations

import importlib
import os
import tempfile

import numpy as np

from kgraph import __version__
from kgraph.compiler.dims import Dim
from kgraph.compiler.trace import suspend_recording
from kgraph.export.signature import ApartTrace, signature_of
from kgraph.onnx.to_onnx import Graph

__all__ = ["OPSETS", "export_onnx", "graph_of"]

OPSETS = range(17, 25)
LARGEST = 2**31 - 2**20  # bytes of weights that one message can hold
OUTSIDE = 1024           # bytes from which on an array lies in the file of its own, where there is one


def export_onnx(model, path, input_signature=None, opset=21, opset_version=None, external_data=None):
    """Write what predict computes as an ONNX file, checked by onnx.checker.

    opset          the version of ONNX's operators, 17 to 24; opset_version is Keras's word for it
    external_data  whether weights lie in a file of their own, PATH.data; by default where they have 2 GB or more

    Inputs and outputs have the names that model.input_names and model.output_names say, and weights those of their
    paths. Sizes that the model leaves open stay open. The states of stateful layers are further inputs, with what they
    hold now as their default, and further outputs, ``.../next``.

    Raises ImportError without the package onnx, and ValueError for an opset that is not known, for text, for layers
    that run in Python and for operations that ONNX does not have, with the name of the layer.
    """
    onnx = _package()
    opset = _check_opset(onnx, opset if opset_version is None else opset_version)
    graph = graph_of(model, opset, input_signature)
    bytes_ = sum(a.nbytes for a in graph.constants.values())
    outside = bytes_ > LARGEST if external_data is None else external_data
    folder, name = os.path.split(os.path.abspath(os.fspath(path)))
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"export: there is no folder {folder!r} for {name!r}")
    with tempfile.TemporaryDirectory(dir=folder, prefix=".kgraph") as workshop:  # checked before it is shown
        made = os.path.join(workshop, name)
        message = _model(onnx, graph, model.name, opset, f"{made}.data" if outside else None)
        with open(made, "wb") as file:
            file.write(message.SerializeToString())
        onnx.checker.check_model(made, full_check=True)
        for file in sorted(os.listdir(workshop), reverse=True):  # the weights first
            os.replace(os.path.join(workshop, file), os.path.join(folder, file))


def _package():
    try:
        return importlib.import_module("onnx")
    except ImportError as error:
        raise ImportError("format 'onnx' needs the package onnx: pip install 'kgraph[onnx]'") from error


def _check_opset(onnx, opset):
    most = min(OPSETS[-1], onnx.defs.onnx_opset_version())
    if isinstance(opset, bool) or not isinstance(opset, int) or not OPSETS[0] <= opset <= most:
        raise ValueError(f"export: expected an opset from {OPSETS[0]} to {most} (onnx {onnx.__version__}), received "
                         f"{opset!r}")
    return opset


# --- from a model to a Graph ------------------------------------------------------------------------------------------

def graph_of(model, opset, input_signature=None) -> Graph:
    """The Graph of a model's prediction."""
    signature = signature_of(model, input_signature)
    with suspend_recording(), ApartTrace("predict") as trace:
        inputs = [trace.add_input(t, name) for t, name in zip(signature.types, signature.names)]
        outputs = signature.call(inputs)
        program = trace.finish(list(outputs.values()))
    graph = Graph(opset, name=model.name)
    graph.layers = model._all_layers()
    for value, name in zip(inputs, signature.names):
        graph.sizes.note(graph.add_input(value, name), value.shape)
    names = [graph.names.new(name) for name in outputs]
    changing = {state for state, _ in program.updates}
    for variable, state in trace.states.items():
        if state in changing:
            graph.constants[graph.add_input(state, variable.path)] = variable.numpy()
        else:
            graph.put(state, graph.known(variable.buffer, variable.path))
    names += [graph.names.new(f"{state.name}/next") for state, _ in program.updates]
    for value, tensor in trace.captured:
        graph.put(value, graph.known(tensor.numpy()))
    graph.run(program)
    graph.finish([*program.outputs, *(new for _, new in program.updates)])
    graph.without_unused()
    graph.rename({given: name for (given, _), name in zip(graph.outputs, names)})
    return graph


# --- from a Graph to messages -----------------------------------------------------------------------------------------

def _model(onnx, graph, name, opset, data):
    """The message of a model; arrays are written to the file `data`, if that is a path."""
    opsets = [onnx.helper.make_opsetid("", opset)]
    message = onnx.helper.make_model(
        onnx.helper.make_graph(_nodes(onnx, graph), name, _ends(onnx, graph.inputs), _ends(onnx, graph.outputs)),
        opset_imports=opsets, ir_version=onnx.helper.find_min_ir_version_for(opsets), producer_name="kgraph",
        producer_version=__version__)
    add = lambda n, array: message.graph.initializer.append(onnx.numpy_helper.from_array(array, n))
    if data is None:
        for n, array in graph.constants.items():
            add(n, np.ascontiguousarray(array).reshape(array.shape))
        return message
    with open(data, "wb") as file:
        for n, array in graph.constants.items():
            if array.nbytes < OUTSIDE:
                add(n, array)
            else:
                message.graph.initializer.append(_outside(onnx, n, array, file))
    return message


def _outside(onnx, name, array, file):
    tensor = onnx.TensorProto(name=name, dims=array.shape, data_location=onnx.TensorProto.EXTERNAL,
                              data_type=onnx.helper.np_dtype_to_tensor_dtype(array.dtype))
    file.write(bytes(-file.tell() % 64))
    start = file.tell()
    file.write(np.ascontiguousarray(array).view("uint8"))
    for key, value in (("location", os.path.basename(file.name)), ("offset", start), ("length", array.nbytes)):
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def _nodes(onnx, graph):
    return [onnx.helper.make_node(node.kind, node.inputs, node.outputs, name=node.name, **{
        key: _attribute(onnx, value) for key, value in node.attributes.items()}) for node in graph.nodes]


def _attribute(onnx, value):
    if isinstance(value, Graph):
        return onnx.helper.make_graph(_nodes(onnx, value), value.name, _ends(onnx, value.inputs),
                                      _ends(onnx, value.outputs))
    return onnx.helper.np_dtype_to_tensor_dtype(value) if isinstance(value, np.dtype) else value


def _ends(onnx, ends):
    return [onnx.helper.make_tensor_value_info(
        name, onnx.helper.np_dtype_to_tensor_dtype(np.dtype(t.dtype)),
        [str(n) if isinstance(n, Dim) else n for n in t.shape]) for name, t in ends]
