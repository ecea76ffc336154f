"""`python -m kgraph.tensorflow`: a table, in Markdown, of the names of TensorFlow that are here."""
import importlib

from kgraph import tensorflow


def table() -> str:
    """One row for `tf` and for each room, with the names it has."""
    rows = ["| module | names |", "|---|---|", _row("tf", tensorflow.public_names())]
    for room in tensorflow.ROOMS:
        rows.append(_row(f"tf.{room}", importlib.import_module(f"kgraph.tensorflow.{room}").__all__))
    return "\n".join(rows)


def _row(module, names) -> str:
    return f"| `{module}` | {', '.join(f'`{name}`' for name in sorted(names))} |"


if __name__ == "__main__":
    print(table())
