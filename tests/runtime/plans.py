"""Plans written by hand, so that the runtime is tested without the emitter."""
import ctypes
import os

import numpy as np
from nest_text import parse

from kgraph.codegen import functions
from kgraph.compiler.dims import size_of
from kgraph.compiler.ir import Program, TensorType, Value
from kgraph.compiler.loopnest import interpret
from kgraph.compiler.loopnest.dtypes import short_name
from kgraph.compiler.plan import Buffer, Kernel, Plan
from kgraph.runtime.executable import Executable


def value(shape, dtype="float32", name=""):
    return Value(TensorType(tuple(shape), dtype), name)


def kernel(body, args, extent, grain=1, work=1, scratch=0, flops=0):
    """A Kernel from the lines of its body."""
    text = "\n".join("    " + line for line in body.strip("\n").split("\n")) + "\n"
    nest = parse(f"def test(args, lo, hi, scratch):\n{text}")
    return Kernel(nest, tuple(args), extent, grain, work, flops, 0, scratch, None, ("test",))


def plan(kernels, inputs=(), outputs=(), states=(), constants=(), slots=(), aliases=None, **rest):
    """A Plan: buffers by order; aliases maps further values to Buffers."""
    buffers = {}
    for kind, values in (("output", outputs), ("input", inputs), ("state", states), ("constant", constants),
                         ("slot", slots)):
        buffers.update((v, Buffer(kind, i)) for i, v in enumerate(values))
    buffers.update(aliases or {})
    program = Program("hand", (*inputs, *states, *constants), (), tuple(outputs))
    return Plan(program, tuple(kernels), buffers, tuple(v.type.nbytes for v in slots), **rest)


def pointwise(expression, inputs, output, work=1, grain=1):
    """A kernel output[i] = expression, where x0, x1 ... are the inputs' elements."""
    lines = [f"p{k} = p{short_name(v.dtype)}(args, {k})" for k, v in enumerate((*inputs, output))]
    lines.append("for i in range(lo, hi):")
    lines += [f"    x{k} = p{k}[i]" for k in range(len(inputs))]
    lines.append(f"    p{len(inputs)}[i] = {expression}")
    return kernel("\n".join(lines), (*inputs, output), size_of(output.shape), grain=grain, work=work)


def evaluate(expression, *arrays, dtype="float32"):
    """The expression over arrays of one shape, by a kernel."""
    inputs = [value(a.shape, a.dtype.name) for a in arrays]
    out = value(arrays[0].shape, dtype)
    run = Executable(plan([pointwise(expression, inputs, out)], inputs, [out]))
    return run.run([np.ascontiguousarray(a) for a in arrays])[0]


def run_nest(nest, array, *numbers):
    """Run a nest on the address of an array and on whole numbers: natively, or with KGRAPH_EMIT=python interpreted."""
    values = [array.ctypes.data, *numbers]
    if os.environ.get("KGRAPH_EMIT") == "python":
        interpret.run(nest, *values)
        return
    address = functions.address(functions.of_nest("tested", nest, "a test"))
    ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * len(values))(address)(*values)
