"""README.md is true: its Python runs, and what it says how to add works once added."""
import os
import re
import subprocess
import sys
from pathlib import Path

from kgraph import ops
from kgraph.compiler.ir import TensorType
from kgraph.compiler.loopnest.elements import squeeze
from kgraph.compiler.passes import fuse
from kgraph.function import build

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)


def block(start) -> str:
    """The one block of Python that begins so."""
    found, = (b for b in BLOCKS if b.startswith(start))
    return found


def python(code, folder) -> str:
    """What the code prints in a process of its own, with kgraph and tests/ to import from."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=500, cwd=folder,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)})
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_tour(tmp_path):
    tour = BLOCKS[:next(i for i, b in enumerate(BLOCKS) if b.startswith("hypot_p"))]
    printed = python("".join(tour), tmp_path)
    assert len(tour) == 4 and "def kg_" in printed and "GFLOP/s" in printed
    assert "array" not in printed and "101." in printed and "802." in printed and "-200." in printed
    assert (tmp_path / "digits.keras").exists()


def test_primitive(tmp_path):
    """Its own tests pass, the compiled kernel's among them."""
    files = [str(ROOT / "tests" / "compiler" / name) for name in ("test_prims.py", "lowering/test_kernels.py")]
    options = ["-k", "hypot", "-p", "no:cacheprovider", "-o", "addopts=", *files]
    assert " 9 passed" in python(f"from kgraph.compiler.prims import elementwise\nimport pytest, sys\n"
                                 f"exec({block('hypot_p')!r}, vars(elementwise))\n"
                                 f"sys.exit(pytest.main({options!r}))", tmp_path)


def test_layer(tmp_path):
    python("import kgraph\nfrom check_layer import check_layer\n" + block("class Gain") + block("check_layer(Gain"),
           tmp_path)


def test_fusion_rule(monkeypatch):
    scope = {"squeeze": squeeze}
    exec(block("def after_reduction"), scope)
    monkeypatch.setattr(fuse, "FUSION_RULES", [fuse.same_domain, scope["after_reduction"], fuse.reduction])
    exec(block("from kgraph import ops"), {})
    monkeypatch.setattr(fuse, "FUSION_RULES", [fuse.same_domain, fuse.reduction])
    types = (TensorType((100, 20), "float32"),)
    assert len(build("length", lambda x: ops.sqrt(ops.sum(x * x, axis=-1)), types).plan.kernels) == 2
