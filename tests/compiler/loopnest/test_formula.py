"""Formulas: functions of the language, written once as statements of it."""
import numpy as np

from kgraph.compiler.loopnest.formula import apply, differ, like, where, written
from kgraph.compiler.loopnest.functions import formula, mix_bits
from kgraph.compiler.loopnest.nodes import Number, call
from kgraph.compiler.prims.random import random_bits_p


def test_statements_in_the_order_of_writing():
    assert str(formula("rsqrt", ("float32",))) == """\
(x: f32)
  let t1: f32 = sqrt(x)
  let t2: f32 = 1.0 / t1
  return t2"""


def test_arithmetic_keeps_its_dtype():
    made = written(lambda x, y: where(differ(x << 3, y), like(x, 1), -x), ("int32", "int32"))
    assert [s.value.dtype for s in made.body] == ["int32", "bool", "int32", "int32"]
    assert {operand.dtype for s in made.body for operand in s.value.operands} == {"int32", "bool"}
    assert written(lambda x: apply("bits", x) >> 1, ("float64",)).result.dtype == "int64"


def test_a_local_that_changes():
    def doubled_below(x):
        x = x.changes("n")
        with x.writer.during(call("<", x.atom, Number(100, x.dtype))):
            (x * 2).changes("n")
        return x
    assert str(written(doubled_below, ("uint8",))) == """\
(x: u8)
  n: u8 <- x
  while n < 100
    let t1: u8 = n * 2
    n: u8 <- t1
  return n"""


def test_what_has_none():
    assert formula("sqrt", ("float32",)) is None
    assert formula("pow", ("float64", "float64")) is None  # of the C library
    assert formula("clock", ()) is None


def test_random_bits_are_one_function():
    """Of NumPy's numbers in the reference, of Locals in kernels."""
    key = np.array([7, 9], "uint32")
    wanted = mix_bits(np.array([7 + (9 << 32)], "uint64"), np.arange(5, dtype="uint64"))
    np.testing.assert_array_equal(random_bits_p.reference(key, shape=(5,)), wanted.astype("uint32"))
