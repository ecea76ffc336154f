"""`python -m kgraph export MODEL.keras PATH --name value`: the options of formats as words of a command."""
from __future__ import annotations

import ast

from kgraph.export import export
from kgraph.saving.files import load_model

__all__ = ["read_options", "run"]


def run(file: str, path: str, format: str | None, words: list):
    """Load the model of a file and export it. Raises ValueError for what is wrong with the words."""
    options = read_options(words)
    try:
        export(load_model(file, compile=False), path, format, verbose=True, **options)
    except (TypeError, ImportError) as error:
        raise ValueError(str(error)) from error


def read_options(words: list) -> dict:
    """Words as arguments: --opset 19, --opset=19, --threads (True), --no-threads (False); - in names is _. An option
    may be given several times: its values are then a list."""
    options, words = {}, list(words)
    while words:
        name, given, value = words.pop(0).partition("=")
        if not name.startswith("--") or name == "--":
            raise ValueError(f"export: expected options as --name value, received {name!r}")
        name = name[2:].replace("-", "_")
        if given:
            value = _value(value)
        elif words and not words[0].startswith("--"):
            value = _value(words.pop(0))
        else:
            value, name = (False, name[3:]) if name.startswith("no_") else (True, name)
        if name in options:
            before = options[name]
            value = [*(before if isinstance(before, list) else [before]), value]
        options[name] = value
    return options


def _value(text: str):
    """A number, or the text itself."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return value if isinstance(value, (int, float)) else text
