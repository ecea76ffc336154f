"""Docstrings read: their sections, and what a name takes over from its bases, its module and its package."""
from __future__ import annotations

import inspect
import re
import sys
from typing import NamedTuple

__all__ = ["Doc", "argument", "describe", "gather", "parameters", "parse", "signature"]

SECTIONS = ("Args", "Returns", "Raises", "Example", "Examples", "Reference", "References")
_HEADING = re.compile(rf"^({'|'.join(SECTIONS)}):\s*$")
_ENTRY = re.compile(r"^(\*{0,2}\w+(?:(?:, | or )\*{0,2}\w+)*)(?: \([^)]*\))?:(?: |$)(.*)")


class Doc(NamedTuple):
    """A docstring in its parts: summary and text, arguments and errors by name, the other sections by heading."""
    summary: str
    text: str
    args: dict
    returns: str
    raises: dict
    example: str

    @property
    def has_example(self) -> bool:
        return ">>> " in self.text or ">>> " in self.example


def parse(docstring: str | None) -> Doc:
    """The parts of a docstring."""
    parts, at = {"": []}, ""
    for line in inspect.cleandoc(docstring or "").split("\n"):
        if heading := _HEADING.match(line):
            at = heading[1].rstrip("s") if heading[1].startswith("Ex") else heading[1]
            parts.setdefault(at, [])
        else:
            if at and line and not line.startswith(" "):   # text after a section
                at = ""
                parts[at].append("")
            parts[at].append(line)
    summary, _, text = "\n".join(parts[""]).strip().partition("\n\n")
    block = {name: inspect.cleandoc("\n" + "\n".join(lines)) for name, lines in parts.items() if name}
    return Doc(summary, text.strip(), _entries(block.get("Args", "")), block.get("Returns", ""),
               _entries(block.get("Raises", "")), block.get("Example", ""))


def _entries(block: str) -> dict:
    """The entries ``name: text`` of a section, several names before one text apart."""
    found, names = {}, ()
    for line in block.split("\n"):
        if entry := _ENTRY.match(line):
            names = [n if n.startswith("*_") else n.lstrip("*") for n in re.split(", | or ", entry[1])]
            found |= dict.fromkeys(names, entry[2].strip())
        elif line.strip():
            found |= {name: f"{found[name]} {line.strip()}".strip() for name in names}
    return found


def gather(value, owner=None) -> list:
    """The docstrings that hold for a name, the nearest first: its own, of its bases, its module, its packages."""
    if inspect.isclass(value):
        docs = [d for c in value.__mro__[:-1] for d in (c.__dict__.get("__doc__"), _init_doc(c))]
    elif owner is not None:   # a method: what the bases say about the method of that name
        name = value.__name__
        docs = [getattr(c.__dict__[name], "__doc__", None) for c in owner.__mro__ if name in c.__dict__]
    else:
        docs = [value.__doc__]
    shared, home = [], getattr(inspect.unwrap(value), "__module__", "")
    while home.startswith("kgraph."):
        shared.append(sys.modules[home].__doc__)
        home = home.rpartition(".")[0]
    found = [parse(d) for d in shared if d]
    if owner is not None:   # what a module says about results is said of its functions
        found = [d._replace(returns="") for d in found]
    return [*(parse(d) for d in docs if d), *found]


def _init_doc(cls):
    return cls.__init__.__doc__ if "__init__" in cls.__dict__ else None


def signature(value) -> str:
    """The arguments of a callable, with their defaults."""
    try:
        return re.sub(r" at 0x[0-9a-f]+", "", str(inspect.signature(value)))
    except (ValueError, TypeError):
        return "(...)"


def describe(value, owner=None) -> str:
    """All that is said about a callable as Markdown: summary, text, every argument, results, errors, example.

    Args:
        value: a class or a function.
        owner: its class, where it is a method.
    """
    docs = gather(value, owner)
    own = docs[0] if docs and value.__doc__ else parse("")
    lines = [_escape(own.summary), ""]
    lines += [_laid_out(own.text), ""] if own.text else []
    told = {p: argument(docs, p) for p in parameters(value)}
    returns = "" if inspect.isclass(value) else next((d.returns for d in docs if d.returns), "")
    lines += _list("Arguments", told)
    lines += [f"**Returns** {_escape(returns)}", ""] if returns else []
    lines += _list("Raises", {e: t for d in reversed(docs) for e, t in d.raises.items()})
    lines += [f"```python\n{own.example}\n```", ""] if own.example else []
    return "\n".join(lines).strip() + "\n"


def _list(title: str, entries: dict) -> list:
    lines = [f"- `{name}`: {_escape(text)}" if text else f"- `{name}`" for name, text in entries.items()]
    return [f"**{title}**", "", *lines, ""] if lines else []


def _laid_out(text: str) -> str:
    """Paragraphs as they stand, as text where they are laid out in columns."""
    return f"```text\n{text}\n```" if ">>>" in text or "  " in text else _escape(text)


def argument(docs: list, name: str) -> str:
    """What the nearest docstring says about an argument: by its name, or by its last word (``*_initializer``)."""
    names = (name, f"*_{name.rpartition('_')[2]}")
    return next((d.args[n] for d in docs for n in names if n in d.args), "")


def parameters(value) -> list:
    """The names of the arguments of a callable, but for self and what is passed on as ``**kwargs``."""
    try:
        found = inspect.signature(value).parameters.values()
    except (ValueError, TypeError):
        return []
    return [p.name for p in found if p.kind is not p.VAR_KEYWORD and p.name not in ("self", "cls")]


def _escape(text: str) -> str:
    return text.replace("<", "&lt;")
