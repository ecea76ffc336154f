"""The interpreter against what Python means by the same text, and against machine code (tests/runtime, tests/ops)."""
import numpy as np
import pytest
from nest_text import parse

from kgraph.compiler.loopnest.functions import formula
from kgraph.compiler.loopnest.interpret import handle, run
from kgraph.compiler.loopnest.language import ACTIONS, CALLS, FUNCTIONS, signature_of
from kgraph.compiler.loopnest.meaning import ACTIONS as ACTION_MEANINGS
from kgraph.compiler.loopnest.meaning import FUNCTIONS as MEANINGS
from kgraph.compiler.loopnest.meaning import view
from kgraph.compiler.loopnest.nodes import Tile


def words(*values):
    return np.array(values, np.int64)


def test_statements():
    x, out = np.arange(12.0, dtype="float32"), np.zeros(4, "float64")
    nest = parse("""
def rows(args, lo, hi, scratch):
    x = pf32(args, 0)
    out = pf64(args, 1)
    for u in range(lo, hi):
        total = f64(0.0)
        k = 0
        while k < word(args, 2):
            if x[3 * u + k] > 4.0 and k != 1 or u == 0:
                total += f64(x[3 * u + k])
            k += 1
        out[u] = total
        if u == 2:
            return
""")
    args = words(x.ctypes.data, out.ctypes.data, 3)
    run(nest, args.ctypes.data, 0, 4, 0)
    np.testing.assert_array_equal(out, [3.0, 5.0, 14.0, 0.0])


def test_operators_compute_in_the_type_of_their_result():
    """In 64 bits, integers: as machine code does."""
    x, out = np.array([2**31 - 1, -7], "int32"), np.zeros(3, "int64")
    nest = parse("def f(x, out):\n    a = pi32_at(x, 0)\n    b = pi64_at(out, 1)\n    b[0] = a[0] + a[0]\n"
                 "    b[1] = a[1] // a[0]\n    b[2] = a[0] << 8\n".replace("a[1] // a[0]", "i64(a[1] // i32(2))"))
    run(nest, x.ctypes.data, out.ctypes.data)
    np.testing.assert_array_equal(out, [2**32 - 2, -4, (2**31 - 1) << 8])


def test_nests_call_nests_and_tiles():
    out = np.zeros(3, "int64")

    def fill(address, n):
        view(address, (n,), (8,), "int64")[...] = n
    inner = parse("def inner(args, lo, hi, scratch):\n    fill(args, hi)\n", [Tile("fill", 2, False, None, fill)])
    outer = parse("def outer(code, out):\n    call_kernel(code, out, 0, 3, 0)\n")
    run(outer, handle(inner), out.ctypes.data)
    np.testing.assert_array_equal(out, 3)
    assert handle(inner) == handle(inner) != handle(outer)


def test_memory_is_seen_with_strides_of_any_sign():
    x = np.arange(6, dtype="int16")
    np.testing.assert_array_equal(view(x[4:].ctypes.data, (2, 3), (2, -4), "int16"), [[4, 2, 0], [5, 3, 1]])
    assert view(0, (0, 3), (2, 2), "int16").shape == (0, 3)


def is_formula(name):
    return any(formula(name, (dtype,) * FUNCTIONS[name][0]) for dtype in ("uint32", "int32", "float32"))


@pytest.mark.parametrize("names,meanings", [
    ({n for n in FUNCTIONS if not is_formula(n)} - {"and", "or"}, {n for n in MEANINGS if not is_formula(n)}),
    ({n for n in ACTIONS if not n.startswith("pthread")} - {*CALLS}, ACTION_MEANINGS)])
def test_every_function_has_a_meaning(names, meanings):
    assert names == set(meanings)


@pytest.mark.parametrize("name", sorted(n for n in FUNCTIONS if n.isidentifier() and n not in (
    "and", "or", "not", "neg", "min", "max", "word", "real32", "real64")))
def test_every_function_has_instructions(name):
    """For all dtypes that it takes."""
    from kgraph.codegen import llvm_ir as ir
    from kgraph.codegen.intrinsics import write
    taken = set()
    for dtype in ir.LLVM_TYPES:
        try:
            dtypes, result = signature_of(name, ["bool" if name == "where" and i == 0 else dtype
                                                 for i in range(FUNCTIONS[name][0])])
        except ValueError:
            continue
        kinds = [ir.LLVM_TYPES[d] for d in dtypes]
        f = ir.Function(ir.Module(), ir.FunctionType(ir.LLVM_TYPES[result], kinds), "f")
        assert write(ir.IRBuilder(f.append_basic_block()), name, dtypes, f.args).type == ir.LLVM_TYPES[result]
        taken.add(dtype)
    assert taken


def test_every_action_has_instructions():
    from kgraph.codegen.instructions import INSTRUCTIONS
    assert set(INSTRUCTIONS) == set(ACTIONS)
