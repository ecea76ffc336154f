"""The pages of docs/ are true: their Python runs from top to bottom, and every page is in the contents."""
import importlib
import inspect
import re
from pathlib import Path

import pytest
import yaml
from test_readme import python

import kgraph
from kgraph import layers, ops
from kgraph.docs import describe, public_names
from kgraph.docs.coverage import missing
from kgraph.docs.names import MODULES, find
from kgraph.docs.stubs import stubs
from kgraph.docs.text import gather, parse

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").rglob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=[p.stem for p in PAGES])
def test_a_page_runs(page, tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    if blocks:
        python("\n".join(blocks), tmp_path)


def test_every_page_is_in_the_contents():
    def paths(part):
        if isinstance(part, str):
            return [part]
        return [p for x in (part.values() if isinstance(part, dict) else part) for p in paths(x)]
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    here = {str(p.relative_to(ROOT / "docs")) for p in PAGES}
    assert here <= set(paths(nav)) <= here | {"differences.md", "environment.md"}


class Base:
    """A base.

    Args:
        size, depth: two numbers
            above 0.
        name (str): what it is called.

    Raises:
        ValueError: size is 0.

    Text after the sections.

    Example:
        >>> Base(1)
    """

    def __init__(self, size, depth=1, name=None, **kwargs):
        if not size:
            raise ValueError("size")


class Derived(Base):
    """Derived."""


def test_a_docstring_in_its_parts():
    doc = parse(Base.__doc__)
    assert doc.summary == "A base." and doc.text == "Text after the sections." and doc.has_example
    assert doc.args == {"size": "two numbers above 0.", "depth": "two numbers above 0.", "name": "what it is called."}
    assert doc.raises == {"ValueError": "size is 0."} and doc.example == ">>> Base(1)"
    assert parse(None).summary == ""


def test_what_is_said_holds_below():
    assert missing(Derived) == {"summary": [], "arguments": []}
    assert missing(Base) == {"summary": [], "arguments": [], "raises": []}
    assert missing(lambda x: x, example=True) == {
        "summary": ["summary"], "arguments": ["x"], "returns": ["returns"], "example": ["example"]}
    assert "- `depth`: two numbers above 0." in describe(Derived) and "- `ValueError`: size is 0." in describe(Derived)
    assert [d.summary for d in gather(ops.sum)][0] == "The sum."


def test_public_names_are_found_where_they_are_said_to_be():
    names = public_names()
    assert all(find(n.path) is n.value for n in names)
    assert len({id(n.value) for n in names}) == len(names) > 900
    assert find("kgraph.layers.Dense") is layers.Dense and find("Model.fit").__name__ == "fit"
    with pytest.raises(ValueError, match="expected a public name of kgraph, received 'layers.Dence'.*Dense"):
        find("layers.Dence")


def test_editors_see_what_is_there():
    """python -m kgraph.docs --stubs writes what is not up to date."""
    made, package = stubs(), Path(kgraph.__file__).parent
    late = [path for path, text in made.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    assert not late and {*(p.relative_to(package) for p in made), Path("_types.pyi")} == {
        p.relative_to(package) for p in package.rglob("*.pyi")}
    dense = made[package / "layers" / "dense.pyi"]   # types from words of arguments, from what is set, from call()
    assert "units: int\n" in dense and "kernel_initializer: InitializerLike = 'glorot_uniform'" in dense
    assert "def __call__(self, inputs: Structure, training: bool | None = None) -> TensorLike: ...\n" in dense
    fit = made[package / "training" / "trainer.pyi"]
    assert "validation_split: Float = 0.0" in fit and "-> History: ..." in fit
    assert "def exp(x: ArrayLike) -> TensorLike: ...\n" in made[package / "ops" / "elementwise.pyi"]


@pytest.mark.parametrize("module", (*MODULES, "backend", "objectives", "preprocessing"))
def test_dir_shows_what_a_module_offers(module):
    home = importlib.import_module(f"kgraph.{module}".rstrip("."))
    offered = [getattr(home, name) for name in home.__all__]
    for m in (home, *(m for m in offered if inspect.ismodule(m) and m.__name__.startswith(f"{home.__name__}."))):
        if m.__name__ != "kgraph.wrappers":   # made for scikit-learn, which may not be there
            assert dir(m) == sorted(m.__all__) and all(hasattr(m, name) for name in m.__all__)


def test_the_gallery_has_every_example():
    shown = re.findall(r"^\| `([^`]+)` \|", (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(shown) == sorted(p.name for p in (ROOT / "examples").iterdir() if p.suffix in (".py", ".ipynb"))
