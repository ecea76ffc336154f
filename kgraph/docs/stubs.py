"""What editors see: a .pyi file beside each module that public names come from, made of what is there.

    python -m kgraph.docs --stubs        writes them; a test says where one is not up to date

Types are found by kgraph.docs.types; what the names of arguments mean stands in kgraph.docs.vocabulary.
"""
from __future__ import annotations

import builtins
import functools
import importlib
import inspect
import re
import sys
from pathlib import Path

from kgraph.docs.classes import class_lines
from kgraph.docs.functions import function_line
from kgraph.docs.names import MODULES, offered
from kgraph.docs.sources import names_in_order
from kgraph.docs.types import CLASSES
from kgraph.docs.vocabulary import HOMES

__all__ = ["stubs", "write_stubs"]

HEAD = "# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.\n"
WITHOUT = ("kgraph.wrappers",)   # made of scikit-learn's classes, which may not be there
_GENERIC_BASES = {"dict": "dict[str, Any]", "list": "list[Any]", "tuple": "tuple[Any, ...]",
                  "MutableMapping": "MutableMapping[str, Any]"}
_STANDARD = {"Any": "typing", "Literal": "typing", "NamedTuple": "typing", "Self": "typing",
             "overload": "typing", "ClassVar": "typing",
             "Callable": "collections.abc", "Iterable": "collections.abc", "Iterator": "collections.abc",
             "Mapping": "collections.abc", "Sequence": "collections.abc", "AbstractContextManager": "contextlib",
             "SimpleNamespace": "types", "NDArray": "numpy.typing"}


def stubs() -> dict:
    """{path of a .pyi file: its text} for every module that a public name, or a type of one, comes from."""
    world = World()
    for name in MODULES:
        world.stub(f"kgraph.{name}".rstrip("."))
    while world.waiting:
        stub, name = world.waiting.pop()
        stub.declare(name)
    return {stub.path: stub.text() for stub in world.found.values()}


def write_stubs() -> list:
    """Write the files, and take away those of modules that need none any more. Returns their paths."""
    wanted = stubs()
    for path in Path(importlib.import_module("kgraph").__file__).parent.rglob("*.pyi"):
        if path not in wanted and path.name != "_types.pyi":
            path.unlink()
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")
    return list(wanted)


class World:
    """The stubs that are being made, and the names that are still to be declared."""

    def __init__(self):
        self.found, self.waiting = {}, []

    def stub(self, module: str) -> Stub:
        if module not in self.found:
            self.found[module] = stub = Stub(self, importlib.import_module(module))
            self.waiting += [(stub, name) for name in stub.offered]
        return self.found[module]

    def want(self, value) -> str:
        """See that the stub of the module of a class or function declares it. Returns that module's name."""
        stub = self.stub(value.__module__)
        self.waiting.append((stub, value.__qualname__.partition(".")[0]))
        return value.__module__


class Stub:
    """The stub of one module."""

    def __init__(self, world, module):
        self.world, self.module = world, module
        self.path = Path(module.__file__).with_suffix(".pyi")
        self.imports, self.declared = {}, {}
        self.offered = sorted(getattr(module, "__all__", None) or
                              (n for n, v in vars(module).items() if n[0] != "_" and self._is_own(v)))

    def _is_own(self, value) -> bool:
        return (inspect.isclass(value) or inspect.isfunction(value)) and value.__module__ == self.module.__name__

    def declare(self, name: str):
        """Declare a name of the module, once."""
        if name in self.declared:
            return
        self.declared[name] = ""
        value = getattr(self.module, name)
        home = _home(self.module, name, value)
        if home is not None:
            if not inspect.ismodule(value):
                self.world.waiting.append((self.world.stub(home[0]), home[1]))
            elif value.__name__ not in WITHOUT:
                self.world.stub(value.__name__)
            self.need(home[0], f"{home[1]} as {name}")
        elif inspect.isclass(value):
            own = value.__name__
            if own != name and getattr(self.module, own, None) is value:
                self.declare(own)
                self.declared[name] = f"{name} = {own}\n"
            else:
                self.declared[name] = "".join(class_lines(value, name, self))
        elif callable(value):
            self.declared[name] = function_line(value, name, self)
        else:
            self.declared[name] = f"{name}: {self.use(_of_value(value))}\n"

    # ------------------------------------------------------------------ types
    def use(self, text: str, hidden=()) -> str:
        """A type as this stub writes it: what it needs is imported.

        Args:
            hidden: names of builtins that mean something else there
        """
        def replaced(match):
            return f"builtins.{match[0]}" if match[0] in hidden and hasattr(builtins, match[0]) else match[0]
        text = re.sub(r"np\.ndarray(?!\[)", "NDArray[Any]", text)
        bare = re.sub(r"\"[^\"]*\"|'[^']*'", "", text)
        for name in sorted(set(re.findall(r"(?<![\w.])[A-Za-z_]\w*", bare))):
            self._import(name)
        result = re.sub(r"(?<![\w.\"'])[a-z]\w*\b(?![\"'])", replaced, text)
        if "builtins." in result:
            self.need("builtins")
        return result

    def need(self, module: str, name: str = ""):
        """Import a module, or a name of it."""
        self.imports.setdefault(module, set()).add(name)

    def _import(self, name: str):
        if name in ("None", "True", "False") or hasattr(builtins, name):
            return
        if name in _STANDARD:
            self.need(_STANDARD[name], name)
        elif name == "np" or name in sys.stdlib_module_names:
            self.need({"np": "numpy as np"}.get(name, name))
        elif name in _aliases():
            self.need("kgraph._types", name)
        else:
            self.need_class(_class_named(name), name)

    def need_class(self, cls, name: str):
        """Import a class, if it is not of this module."""
        home = self.world.want(cls) if cls.__module__.startswith("kgraph") else cls.__module__
        if home != self.module.__name__:
            self.need(home, name if cls.__name__ == name else f"{cls.__name__} as {name}")

    def base(self, cls) -> str:
        """A base class as this stub writes it."""
        if cls.__module__ == self.module.__name__:
            self.declare(cls.__name__)
        elif cls.__module__ != "builtins":
            self.need_class(cls, cls.__name__)
        return _GENERIC_BASES.get(cls.__name__, cls.__name__)

    def text(self) -> str:
        places = names_in_order(self.module.__name__)
        late = len(places)
        names = sorted((n for n in self.declared if self.declared[n]), key=lambda n: (places.get(n, late), n))
        listed = "".join(f'    "{name}",\n' for name in self.offered)
        imports = "".join(_imports(module, names) for module, names in sorted(self.imports.items()))
        body = "\n".join(["", "".join(self.declared[n] for n in names)]) if names else ""
        return f"{HEAD}{imports}{body}\n__all__ = [\n{listed}]\n"


def _imports(module: str, names: set) -> str:
    plain = f"import {module}\n" if "" in names else ""
    return plain + (f"from {module} import {', '.join(sorted(names - {''}))}\n" if names - {""} else "")


def _home(module, name, value):
    """(module, name there) where a checker finds the name: another module that binds it."""
    if inspect.ismodule(value):
        return value.__name__.rpartition(".")[::2]
    home = getattr(inspect.unwrap(value) if callable(value) else value, "__module__", None)
    own = getattr(value, "__name__", name)
    if home in (None, module.__name__, "builtins") or not home.startswith("kgraph"):
        return None
    bound = getattr(sys.modules.get(home), own, None)
    return (home, own) if bound is value else None


def _of_value(value) -> str:
    kind = type(value)
    if kind.__module__ == "builtins":
        return {"dict": "dict[Any, Any]", "list": "list[Any]", "tuple": "tuple[Any, ...]", "set": "set[Any]",
                "frozenset": "frozenset[Any]", "NoneType": "Any"}.get(kind.__name__, kind.__name__)
    return "Any"


@functools.cache
def _aliases() -> frozenset:
    text = Path(importlib.import_module("kgraph").__file__).with_name("_types.pyi").read_text(encoding="utf-8")
    return frozenset(re.findall(r"^(\w+): TypeAlias", text, re.MULTILINE))


def _class_named(name: str):
    """The class that a type names: one that was met in the source, a public one, or one of the vocabulary's HOMES."""
    for found in (CLASSES, _public_classes()):
        if name in found:
            return found[name]
    if name in HOMES:
        return getattr(importlib.import_module(HOMES[name]), name)
    raise ValueError(f"expected the name of a class in a type, received {name!r}")


@functools.cache
def _public_classes() -> dict:
    found = {}
    for module in MODULES:
        home = importlib.import_module(f"kgraph.{module}".rstrip("."))
        for name in offered(module):
            value = getattr(home, name)
            if inspect.isclass(value) and value.__name__ == name:
                found.setdefault(name, value)
    return found
