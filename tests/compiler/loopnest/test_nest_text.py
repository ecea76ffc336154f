"""Loop nests written down, printed and read back; and what is no part of their language."""
import ast

import pytest
from nest_text import parse

from kgraph.compiler.ir import ProgramError
from kgraph.compiler.loopnest.nodes import Let, Name, Number, Set, call, format_nest
from kgraph.compiler.printing import kernel_source
from kgraph.runtime.routines import MODULES, of_calls

SUMS = """
def sums(args, lo, hi, scratch):
    x = pf32(args, 0)
    y = pf64(args, 1)
    n = word(args, 2)
    for u in range(lo, hi):
        total = f64(0.0)
        for k in range(0, n, 2):
            if k < n - 1 and not x[u] == x[k]:
                total += f64(x[u * n + k])
            elif k == 3:
                total = -total
            else:
                total = f64(1.5)
        y[u] = total
    while lo < -1:
        return
"""

TEXT = """\
(args, lo, hi, scratch)
  buffer x: f32 at word(args, 0) in scope 0
  buffer y: f64 at word(args, 1) in scope 1
  let n: i64 = word(args, 2)
  for share u in lo .. hi
    total: f64 <- f64(0.0)
    for serial k in 0 .. n by 2
      if k < n - 1 and not x[u] == x[k]
        total: f64 <- total + f64(x[u * n + k])
      else
        if k == 3
          total: f64 <- -total
        else
          total: f64 <- f64(1.5)
    y[u] <- total
  while lo < -1
    return"""


def test_a_nest_and_its_text():
    assert format_nest(parse(SUMS)) == str(parse(SUMS)) == TEXT


def routines():
    functions = [m.function(name) for m in MODULES for name in m.ROUTINES]
    return [*functions, *of_calls()]


@pytest.mark.parametrize("function", routines(), ids=lambda f: f.name)
def test_what_is_printed_reads_back_as_the_same_nest(function):
    printed = kernel_source(function.nest, function.name)
    again = parse(printed, function.nest.tiles.values())
    assert format_nest(again).partition("\n")[2] == format_nest(function.nest).partition("\n")[2]
    assert kernel_source(again, function.name) == printed.replace(f"    # {function.name}\n", "")


@pytest.mark.parametrize("text", ["a + b * c", "(a + b) * c", "a - (b - c)", "a - b - c", "-(a + b) * c",
                                  "a // (b % c)", "a < b and (b < c or not a == c)", "(a < b) == (b < c)",
                                  "a + (b & c | a ^ c) << 2",
                                  "minimum(a, -1) - -1"])
def test_brackets_are_where_they_must_be(text):
    nest = parse(f"def f(a, b, c):\n    x = {text}\n")
    written = str(nest.body[0].value)
    assert ast.dump(ast.parse(written)) == ast.dump(ast.parse(text)) and len(written) <= len(text)


def test_arithmetic_of_python_makes_calls():
    a, b = Name("a", "int64"), Name("b", "float32")
    assert str((a + 1) * 2 - a // 3 % 2) == "(a + 1) * 2 - a // 3 % 2"
    assert str(call("where", (1 - b > 2.0) & (b <= b), -b, b)) == "where((1 - b > 2.0) & (b <= b), -b, b)"
    assert [x.dtype for x in (a + 1, b + 1.0, b * b, a / a, a < 1, 2 * b)] == [
        "int64", "float64", "float32", "float64", "bool", "float64"]
    with pytest.raises(TypeError, match="no truth value"):
        bool(a < 1)


def test_a_name_that_is_given_twice_or_used_outside_its_block_changes():
    nest = parse("def f(n):\n    a = n\n    b = a\n    b = b + 1\n    if n > 0:\n        c = 1\n    d = c\n")
    kinds = {s.name: type(s) for s in (*nest.body[:3], *nest.body[3].body, nest.body[4])}
    assert kinds == {"a": Let, "b": Set, "c": Set, "d": Let}


@pytest.mark.parametrize("line,message", [
    ("a = b", "expected b to be given before it is read, received line 2"),
    ("a = [n]", r"expected an expression of the kernel language, received line 2: \[n\]"),
    ("a = 1 < n < 2", "expected an expression of the kernel language"),
    ("import os", "expected a statement of the kernel language, received line 2: import os"),
    ("a = n[0]", "expected an element of a buffer that was given before"),
    ("a = missing(n)", "has no function 'missing'"), ("a = exp(n)", "exp: expected float32 or float64, received int64"),
    ("a = maximum(n)", "maximum: expected 2 operands, received 1"),
])
def test_what_is_not_in_the_language_is_refused(line, message):
    with pytest.raises((ProgramError, ValueError), match=message):
        parse(f"def f(n):\n    {line}\n")


def test_literals_have_pythons_types():
    nest = parse("def f(n):\n    a = -1\n    b = 2.5\n    c = True\n")
    assert [(s.value.value, s.value.dtype) for s in nest.body if isinstance(s.value, Number)] == [
        (-1, "int64"), (2.5, "float64"), (True, "bool")]
