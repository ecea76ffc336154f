"""A kernel is a loop nest; its source is what the printer makes of that, and nothing else writes kernel text."""
import ast
import dataclasses
import re
from pathlib import Path

import pytest
from corpus import CASES, StatefulCase, compiled_case

import kgraph
from kgraph.compiler.loopnest.nodes import LoopNest
from kgraph.compiler.plan import Code, Kernel
from kgraph.compiler.printing import kernel_source

ROOMS = ("compiler", "kernels", "codegen", "runtime")
PRINTER = {"compiler/printing/__init__.py"}
# A loop, memory of the kernel language, an argument word, a store.
TEXT = re.compile(r"\bin range\(|\bp(f|i|u|bf|b)\d+(_at)?\(|\bword\(args|\w\[[^\]]*\] = ")


def kernels(plan):
    """Those of a plan, and of the bodies of its loops."""
    for kernel in plan.kernels:
        yield kernel
        yield from (a.kernel for a in kernel.args if isinstance(a, Code))


@pytest.mark.parametrize("name", [*CASES, "stateful"])
def test_a_kernels_source_is_the_text_of_its_nest(name):
    plan = (StatefulCase().compiled() if name == "stateful" else compiled_case(name)).plan
    for kernel in kernels(plan):
        assert isinstance(kernel.nest, LoopNest)
        assert kernel.source == kernel_source(kernel.nest, kernel.name)
    assert not {f.name for f in dataclasses.fields(Kernel)} & {"source", "text", "name"}


def _texts(path):
    """The strings of a module that are no docstrings."""
    tree = ast.parse(path.read_text())
    told = {id(n.body[0].value) for n in ast.walk(tree) if hasattr(n, "body") and isinstance(n.body, list) and n.body
            and isinstance(n.body[0], ast.Expr)}
    return [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)
            and id(n) not in told]


def test_one_file_writes_kernel_text():
    package = Path(kgraph.__file__).parent
    files = [f for room in ROOMS for f in (package / room).rglob("*.py")]
    found = {str(f.relative_to(package)) for f in files if any(map(TEXT.search, _texts(f)))}
    assert found <= PRINTER
