"""Every public name of Keras 3.15.1 is here, with its parameters in their order (data: tests/oracle/names.py)."""
import importlib
import inspect
import json
import lzma
from pathlib import Path

import pytest

import kgraph

KERAS = json.loads(lzma.decompress((Path(__file__).parent / "data" / "names.json.xz").read_bytes()))
EXCEPTIONS = {   # what differs on purpose, or is missing -> why
    "distribution.distribute_tensor": "every process holds its tensors whole",
}
NAMES = list(KERAS)


def find(name):
    """The object of a dotted public name; modules are imported on the way. Raises AttributeError or ImportError."""
    found = kgraph
    for part in name.split("."):
        path = f"{found.__name__}.{part}"
        try:
            found = getattr(found, part)
        except AttributeError:
            found = importlib.import_module(path)
    return found


def differences(name) -> str:
    """What is missing under a name, "" where nothing is."""
    try:
        found = find(name)
    except ImportError as error:   # of an optional package: the name is known
        return "" if "pip install" in str(error) else "missing"
    except AttributeError:
        return "missing"
    wanted = KERAS[name]["parameters"]
    if wanted is None or not callable(found):
        return ""
    wanted = [p.partition("=")[0] for p in wanted if not p.startswith("*")]
    parameters = inspect.signature(found).parameters.values()
    lacking = [p for p in wanted if p not in {q.name for q in parameters}]
    if lacking:
        return f"lacks the parameters {', '.join(lacking)}"
    placed = [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY][:len(wanted)]
    known = [p for p in wanted if p in placed]
    return "" if placed[:len(known)] == known else f"has the parameters {', '.join(placed)} in place of {wanted}"


@pytest.mark.parametrize("part", sorted({name.rpartition(".")[0] for name in NAMES}))
def test_as_keras(part):
    wrong = {name: why for name in NAMES if name.rpartition(".")[0] == part and (why := differences(name))
             and name not in EXCEPTIONS}
    assert not wrong, "\n" + "\n".join(f"keras.{name}: {why}" for name, why in wrong.items())


def test_exceptions_are_few_and_needed():
    assert len(EXCEPTIONS) <= 15
    assert not [name for name in EXCEPTIONS if not differences(name)]
