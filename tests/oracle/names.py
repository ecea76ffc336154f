"""Write Keras's public names with their parameters and the methods of classes into tests/data/names.json.xz.

    KERAS_BACKEND=tensorflow python tests/oracle/names.py       in an environment with Keras 3.15.1 (never a dependency)
"""
import importlib
import inspect
import json
import lzma
from pathlib import Path

PATH = Path(__file__).parents[1] / "data" / "names.json.xz"


def parameters(x):
    """["name", "name=default", "*names"], or None where there is no signature."""
    try:
        found = list(inspect.signature(x.__init__ if inspect.isclass(x) else x).parameters.values())
    except (TypeError, ValueError):
        return None
    return [text(p) for p in (found[1:] if inspect.isclass(x) else found)]


def text(p) -> str:
    star = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
    return f"{star}{p.name}" + ("" if p.default is p.empty else f"={plain(p.default)}")


def plain(x) -> str:
    """A default as text; "..." for objects."""
    return repr(x) if isinstance(x, (str, int, float, tuple, list, dict, type(None))) else "..."


def walk(module, path="", seen=("keras",)):
    """{public name: what it is} of a module and those below it."""
    found = {}
    for name in sorted(n for n in dir(module) if not n.startswith("_")):
        x, full = getattr(module, name), f"{path}.{name}".strip(".")
        if inspect.ismodule(x):
            public = x.__name__.startswith("keras.") and not {"src", "_tf_keras"} & set(x.__name__.split("."))
            if public and x.__name__ not in seen:
                found |= walk(x, full, (*seen, x.__name__))
        else:
            found[full] = {"parameters": parameters(x) if callable(x) else None,
                           "methods": sorted(m for m in dir(x) if m[0] != "_") if inspect.isclass(x) else None}
    return found


def main():
    names = walk(importlib.import_module("keras"))
    PATH.write_bytes(lzma.compress(json.dumps(names, sort_keys=True).encode()))
    print(f"{len(names)} names in {PATH}, {PATH.stat().st_size} bytes")


if __name__ == "__main__":
    main()
