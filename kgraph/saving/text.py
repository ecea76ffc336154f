"""Configurations as text: JSON and YAML, read within limits. What comes out is plain data: dicts, lists, numbers."""
from __future__ import annotations

import json
import re

__all__ = ["read_json", "read_yaml", "write_json", "write_yaml"]

MAX_JSON = 64 << 20     # bytes
MAX_YAML = 4 << 20
MAX_VALUES = 1_000_000  # values in one text; a large model has some 100,000
MAX_DEPTH = 100         # a model nested in a model adds about six
MAX_ALIASES = 10_000


def read_json(text, where: str):
    """The value of a JSON text (str or UTF-8 bytes). Raises ValueError when it is damaged, too long or too deep."""
    _check_text(text, str | bytes | bytearray, where)
    if len(text) > MAX_JSON:
        raise ValueError(f"{where}: expected at most {MAX_JSON} bytes of JSON, received {len(text)}")
    separators = b",[{" if isinstance(text, bytes | bytearray) else ",[{"
    if sum(text.count(separators[i:i + 1]) for i in range(3)) > MAX_VALUES:
        raise ValueError(f"{where}: expected at most {MAX_VALUES} values in the JSON text, received more")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as e:
        raise ValueError(f"{where}: the JSON text is damaged ({type(e).__name__}: {e})") from e
    _check_depth(value, where)
    return value


def _check_text(text, kinds, where):
    if not isinstance(text, kinds):
        raise TypeError(f"{where}: expected text, received {str(text)[:100]} of type {type(text).__name__}")


def _check_depth(value, where):
    level, depth = [value], 0
    while level:
        if depth > MAX_DEPTH:
            raise ValueError(f"{where}: expected at most {MAX_DEPTH} levels of nesting, received more")
        level = [child for v in level if isinstance(v, list | dict)
                 for child in (v.values() if isinstance(v, dict) else v)]
        depth += 1


def write_json(value, **options) -> str:
    """value as JSON. NumPy numbers and arrays become numbers and lists; what cannot be written is a TypeError.

    options: those of json.dumps, such as indent.
    """
    return json.dumps(value, default=_plain, **options)


def _plain(value):
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, bytes):
        return value.decode("utf-8")
    raise TypeError(f"expected a value that JSON can hold, received {value!r} of type {type(value).__name__}")


def read_yaml(text: str, where: str = "YAML"):
    """The value of a YAML text as Keras 1 and 2 wrote it. Raises ValueError when it is damaged or holds more than data.

    Only plain values and tuples (which become lists) are read; any other tag is refused. Aliases may not multiply:
    their contents count each time they are used.
    """
    import yaml
    _check_text(text, str, where)
    if len(text) > MAX_YAML:
        raise ValueError(f"{where}: expected at most {MAX_YAML} characters of YAML, received {len(text)}")
    try:
        _check_events(yaml.parse(text, Loader=_loader(yaml)), where)
        return yaml.load(text, Loader=_loader(yaml))
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as e:
        raise ValueError(f"{where}: the YAML text is damaged, or holds more than data ({e})") from e


def _loader(yaml):
    """A safe loader that also knows Python's tuples, which Keras 2 wrote."""
    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        pass
    sequence = lambda loader, node: [loader.construct_object(child, deep=True) for child in node.value]
    Loader.add_constructor("tag:yaml.org,2002:python/tuple", sequence)
    Loader.add_constructor("tag:yaml.org,2002:python/unicode", Loader.construct_scalar)
    return Loader


def _check_events(events, where):
    """Depth and expanded size, from the parser's events: before anything is built."""
    sizes, open_nodes, total, aliases = {}, [], 0, 0
    for event in events:
        kind = type(event).__name__
        if kind == "AliasEvent":
            aliases += 1
            if event.anchor not in sizes:
                raise ValueError("an alias inside what it stands for")
            added = sizes[event.anchor]
        elif kind == "ScalarEvent":
            added = 1
            if event.anchor:
                sizes[event.anchor] = 1
        elif kind in ("SequenceStartEvent", "MappingStartEvent"):
            open_nodes.append((event.anchor, total))
            added = 1
        else:
            added = 0
            if kind in ("SequenceEndEvent", "MappingEndEvent"):
                anchor, before = open_nodes.pop()
                if anchor:
                    sizes[anchor] = total - before
        total += added
        if total > MAX_VALUES or len(open_nodes) > MAX_DEPTH or aliases > MAX_ALIASES:
            raise ValueError(f"expected at most {MAX_VALUES} values, {MAX_DEPTH} levels and {MAX_ALIASES} aliases")


def write_yaml(value, **options) -> str:
    """value as YAML, every shared part written out."""
    import yaml

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data):
            return True
    return yaml.dump(json.loads(write_json(value)), Dumper=Dumper, **{"sort_keys": False, **options})


NAME = re.compile(r"[^\0-\x1f]{1,1024}")


def check_name(name, where: str) -> str:
    """A layer's name from a file. It is never part of a path on the disk; still, none that could be one is taken."""
    if not isinstance(name, str) or not NAME.fullmatch(name) or ".." in name.split("/") or name.startswith("/"):
        raise ValueError(f"{where}: {str(name)[:100]!r} is not a name")
    return name
