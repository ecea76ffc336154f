"""`Function`: a recorded graph as an operation."""
from __future__ import annotations

from kgraph import tree
from kgraph.graph.operation import Operation
from kgraph.graph.walk import Graph, replay

__all__ = ["Function", "source_inputs"]


class Function(Operation):
    """What lies between KTensors, as something to call: a model without training, weights files and summary.

    Raises ValueError for outputs that the inputs do not reach, and for a call with another number of inputs.

    Args:
        inputs, outputs: KTensors, or nested lists, tuples and dicts of them
        name: of the function.
    """

    def __init__(self, inputs, outputs, name=None):
        super().__init__(name)
        self._inputs_struct, self._outputs_struct = inputs, outputs
        self._graph = Graph(tree.flatten(inputs), tree.flatten(outputs))

    @property
    def operations(self) -> list:
        """The operations of the graph, inputs first."""
        return list(self._graph.operations)

    @property
    def inputs(self) -> list:
        """The input KTensors, flat."""
        return list(self._graph.inputs)

    @property
    def outputs(self) -> list:
        """The output KTensors, flat."""
        return list(self._graph.outputs)

    def compute_output_shape(self, input_shape):
        """The shapes of the outputs.

        Args:
            input_shape: shapes in the structure of the inputs; those that the graph was made with count

        Returns:
            Shapes in the structure of the outputs.
        """
        return tree.map_structure(lambda x: x.shape, self._outputs_struct)

    def call(self, inputs):
        """The outputs for inputs in their structure (or as a flat list).

        Args:
            inputs: tensors in the structure of the inputs, or flat.

        Raises:
            ValueError: another number of them.
        """
        values = tree.flatten(inputs)
        if len(values) != len(self._graph.inputs):
            raise ValueError(f"{self.name}: expected {len(self._graph.inputs)} inputs, received {len(values)}")
        return tree.pack_sequence_as(self._outputs_struct, replay(self._graph, values))


def source_inputs(tensor) -> list:
    """The Inputs that a KTensor, or several, depend on.

    Args:
        tensor: a KTensor, or several.
    """
    found, seen, stack = {}, set(), tree.flatten(tensor)[::-1]
    while stack:
        x = stack.pop()
        if x.node is None or x.node.is_input:
            found[x] = True
        elif x.node not in seen:
            seen.add(x.node)
            stack += reversed(x.node.inputs)
    return list(found)
