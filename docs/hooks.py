"""What mkdocs builds beside the pages in this folder: the pages of the API, made of the docstrings, and two pages that
are sections of README.md."""
import importlib
import inspect
from pathlib import Path

from mkdocs.structure.files import File

from kgraph.docs.names import MODULES, methods, offered
from kgraph.docs.text import describe, signature

ROOT = Path(__file__).parents[1]
SECTIONS = {"differences.md": ("Differences from Keras", "What is different, on purpose:", "## Architecture"),
            "environment.md": ("Environment variables", "### Switches", "## Licence")}


def on_files(files, config):
    for path, (title, start, end) in SECTIONS.items():
        files.append(File.generated(config, path, content=f"# {title}\n\n{_section(start, end)}"))
    for name in MODULES:
        files.append(File.generated(config, f"api/{name or 'kgraph'}.md", content=_page(name)))
    return files


def on_config(config):
    pages = [{f"kgraph.{name}".rstrip("."): f"api/{name or 'kgraph'}.md"} for name in MODULES]
    config.nav.append({"API": pages})
    return config


def _section(start, end) -> str:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return text[text.index(start) + len(start):text.index(end)].strip() + "\n"


def _page(module) -> str:
    """The page of one module: all that is said about every callable that it offers."""
    path = f"kgraph.{module}".rstrip(".")
    home = importlib.import_module(path)
    parts = [f"# {path}\n", inspect.getdoc(home).partition("\n\nArgs:")[0] + "\n"]
    for name in offered(module):
        value = getattr(home, name)
        if callable(value) and not inspect.ismodule(value):
            parts += [f"## {name}\n", f"```python\n{path}.{name}{signature(value)}\n```\n", describe(value)]
            parts += _methods(value) if inspect.isclass(value) else []
    return "\n".join(parts)


def _methods(cls) -> list:
    return [f"### {cls.__name__}.{name}\n\n```python\n{name}{signature(f)}\n```\n\n{describe(f, cls)}"
            for name, f in methods(cls) if f.__doc__]
