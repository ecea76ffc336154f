"""Imports go down only, those inside functions too, and never in a circle. What stands in one line may import from its
own line and from the lines above it. kgraph.doors holds the few ways up."""
import ast
from pathlib import Path

import networkx
import pytest

PACKAGE = Path(__file__).parents[1] / "kgraph"
FLOORS = """
__init__ compiler.loopnest.dtypes budget doors naming legacy.paths config watch log
legacy.defaults
legacy.words legacy.logs legacy.hdf5_matrix tree errors dtype_policies mixed_precision utils datasets
compiler.dims runtime.memory runtime.locks
compiler.shapes
compiler.ir
compiler.primitive
compiler.loopnest
compiler.printing
compiler.plan
compiler.trace
compiler.prims
compiler.autodiff compiler.interp
compiler.prims.loop
compiler.rewrite compiler.transposes compiler.batch_rows
compiler.passes
compiler.split_rules
compiler.split_tables
compiler.split
compiler.buffers compiler.verify_plan compiler.lowering
compiler.pipeline compiler
variable tables
codegen
kernels
runtime
ops
scopes function gradient stateless graph serialization
legacy.optimizer
random utils.session legacy.activations utils.pipeline
utils.timeseries utils.folders utils.folder_datasets utils.bounding_boxes
initializers regularizers constraints activations
quantizers
layers losses metrics optimizers legacy.layer
callbacks training legacy.model
models distribution
tensorflow legacy objectives backend preprocessing wrappers saving inspect applications distillation visualization
calibration
export onnx
demo bench programs docs
__main__
"""
FLOOR = {name: number for number, line in enumerate(FLOORS.split("\n")) for name in line.split()}


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
    assert not [sorted(c) for c in networkx.strongly_connected_components(graph) if len(c) > 1]


def test_fits_on_a_screen():
    """No file over 500 lines, no function over 45, those of its docstring apart."""
    def length(f):
        return f.end_lineno - f.lineno + 1 - len((ast.get_docstring(f, False) or "").split("\n"))
    texts = {module: path.read_text() for module, path in MODULES.items()}
    assert not [module for module, text in texts.items() if text.count("\n") > 500]
    assert not [(module, f.name) for module, text in texts.items() for f in ast.walk(ast.parse(text))
                if isinstance(f, (ast.FunctionDef, ast.AsyncFunctionDef)) and length(f) > 45]
