"""The code cells of a notebook, run in order as one program."""
from __future__ import annotations

import ast
import json
import re
import sys

__all__ = ["cells", "run"]

_WHOLE = {"bash", "sh", "script", "html", "javascript", "js", "latex", "markdown", "svg", "writefile", "perl", "ruby",
          "system", "!", "sx", "cmd"}   # cell magics whose cell is not Python
_MAGIC = re.compile(r"^(\s*)(?:([\w\s,.\[\]]+=)\s*)?([%!?]|[\w.]+\?\s*$)(.*)$")


def cells(path: str) -> list:
    """The notebook's code cells as Python sources: magics left out, ``!`` lines left out and reported.

    Raises ValueError for a file that is no notebook.
    """
    try:
        with open(path, encoding="utf-8") as file:
            book = json.load(file)
        found = [c for c in book["cells"] if c["cell_type"] == "code"]
        sources = ["".join(c["source"]) for c in found]
    except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: expected a notebook of format 4, received another file ({error})") from None
    return [_plain(source, i + 1) for i, source in enumerate(sources)]


def run(path: str):
    """Run a notebook's code cells in one namespace, the module __main__."""
    namespace = sys.modules["__main__"].__dict__
    namespace.update(__name__="__main__", __file__=path, get_ipython=_get_ipython, display=print)
    for number, source in enumerate(cells(path), 1):
        name = f"{path}[{number}]"
        tree = ast.parse(source, name)
        if tree.body and isinstance(tree.body[-1], ast.Expr):   # a notebook shows the value of a cell's last line
            tree.body[-1].value = ast.Call(ast.Name("__kgraph_show__", ast.Load()), [tree.body[-1].value], [])
            ast.fix_missing_locations(tree)
        namespace["__kgraph_show__"] = _show
        exec(compile(tree, name, "exec"), namespace)


def _show(value):
    if value is not None:
        print(repr(value))


def _get_ipython():
    """There is none: programs that ask take the branch of a plain Python."""
    return None


def _plain(source: str, number: int) -> str:
    """A cell without IPython's own syntax."""
    lines = source.split("\n")
    first = next((line for line in lines if line.strip()), "")
    if first.startswith("%%"):
        if first[2:].split(" ")[0].strip() in _WHOLE:
            print(f"kgraph run: cell {number} is left out: {first}", file=sys.stderr)
            return ""
        lines[lines.index(first)] = ""
    inside = _inside_strings(lines)
    return "\n".join(line if i in inside else _plain_line(line, number) for i, line in enumerate(lines))


def _plain_line(line: str, number: int) -> str:
    found = _MAGIC.match(line)
    if not found:
        return line
    indent, target, sign, rest = found.groups()
    if sign == "%" and rest.split(" ")[0] in ("time", "timeit") and " " in rest and not target:
        return indent + rest.split(" ", 1)[1]
    if sign == "!":
        print(f"kgraph run: cell {number}: this line is not run: {line.strip()}", file=sys.stderr)
    return f"{indent}{target or ''} None" if target else f"{indent}pass"


def _inside_strings(lines) -> set:
    """The lines that begin inside a string of several lines or inside brackets, where % and ! mean something else."""
    inside, quote, depth = set(), None, 0
    for i, line in enumerate(lines):
        if quote or depth:
            inside.add(i)
        elif _MAGIC.match(line):
            continue
        quote, depth = _scan(line, quote, depth)
    return inside


def _scan(line: str, quote, depth: int):
    i = 0
    while i < len(line):
        if quote:
            if line[i] == "\\":
                i += 1
            elif line.startswith(quote, i):
                i, quote = i + len(quote) - 1, None
        elif line[i] == "#":
            break
        elif line[i] in "'\"":
            quote = line[i] * 3 if line.startswith(line[i] * 3, i) else line[i]
            i += len(quote) - 1
        else:
            depth += (line[i] in "([{") - (line[i] in ")]}")
        i += 1
    return (quote if quote and len(quote) == 3 else None), max(depth, 0)
