"""Imports go down only, those inside functions too, and never in a circle. What stands in one line may import from its
own line and from the lines above it. kgraph.doors holds the few ways up."""
import ast
from pathlib import Path

import networkx
import pytest

PACKAGE = Path(__file__).parents[1] / "kgraph"
FLOORS = """
__init__ budget doors naming legacy.paths config
legacy.defaults
legacy.words tree errors dtype_policies mixed_precision utils datasets
compiler.dims compiler.loopnest.dtypes runtime.memory runtime.locks
compiler.ir
compiler.primitive
compiler.loopnest
compiler.printing
compiler.plan
compiler.trace
compiler.prims
compiler.autodiff compiler.interp
compiler.prims.loop compiler.loopnest.meaning
compiler.loopnest.interpret
compiler.rewrite compiler.transposes compiler.batch_rows
compiler.passes
compiler.buffers compiler.verify_plan compiler.lowering
compiler.pipeline compiler
variable
codegen
kernels
runtime
ops
scopes function gradient stateless graph serialization
random utils.session legacy.activations utils.pipeline
utils.timeseries utils.folders utils.folder_datasets utils.bounding_boxes
initializers regularizers constraints activations
layers losses metrics optimizers
callbacks training
models
tensorflow legacy objectives backend preprocessing wrappers saving inspect
demo bench programs
__main__
"""
FLOOR = {name: number for number, line in enumerate(FLOORS.split("\n")) for name in line.split()}
IN_A_CIRCLE = {"ops.core", "ops.image", "callbacks.callback", "compiler.loopnest.nodes", "graph.operation"}   # still


def floor(module):
    while module not in FLOOR:
        assert "." in module, f"{module} stands on no floor: add it to FLOORS"
        module = module.rpartition(".")[0]
    return FLOOR[module]


def name_of(path):
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


MODULES = {name_of(path): path for path in PACKAGE.rglob("*.py")}


def imported(path):
    """Modules of kgraph named in import statements, at the top or inside functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "kgraph":
            base = node.module.partition(".")[2]
            for alias in node.names:
                full = f"{base}.{alias.name}".strip(".")
                yield full if full in MODULES else base or "__init__"
        elif isinstance(node, ast.Import):
            yield from (a.name.partition(".")[2] or "__init__" for a in node.names if a.name.startswith("kgraph"))


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_go_down(module):
    breaches = [used for used in imported(MODULES[module]) if floor(used) > floor(module)]
    assert not breaches, f"kgraph.{module} imports from a higher floor: {', '.join(breaches)}"


def test_no_circles():
    edges = ((module, used) for module in MODULES for used in imported(MODULES[module]) if used != module)
    graph = networkx.DiGraph(edges)
    circles = [sorted(c) for c in networkx.strongly_connected_components(graph) if len(c) > 1]
    assert not [c for c in circles if not IN_A_CIRCLE & set(c)]
