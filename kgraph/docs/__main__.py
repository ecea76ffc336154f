"""python -m kgraph.docs NAME | --coverage | --examples | --stubs."""
from __future__ import annotations

import argparse
import sys

from kgraph.docs import coverage, describe, run_examples
from kgraph.docs.names import find
from kgraph.docs.stubs import write_stubs
from kgraph.docs.text import signature


def main(arguments=None) -> int:
    """Run the command. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="kgraph.docs", description="What is said about kgraph's public names.")
    parser.add_argument("name", nargs="?", default="", help="such as layers.Dense")
    parser.add_argument("--coverage", action="store_true", help="how much is described, and what is not: status 1")
    parser.add_argument("--examples", action="store_true", help="run the examples")
    parser.add_argument("--stubs", action="store_true", help="write what editors see of modules that import late")
    chosen = parser.parse_args(arguments)
    if chosen.stubs:
        print("\n".join(map(str, write_stubs())))
    failed = 0
    if chosen.coverage:
        lines, lacking = coverage()
        print("\n".join([*lacking, *lines]))
        failed += len(lacking)
    if chosen.examples:
        ran, wrong = run_examples(chosen.name and f"kgraph.{chosen.name.removeprefix('kgraph.')}")
        print(f"examples: {ran} lines ran, {wrong} failed")
        return int(failed + wrong > 0)
    if chosen.name:
        value = find(chosen.name)
        print(f"kgraph.{chosen.name.removeprefix('kgraph.')}{signature(value)}\n\n{describe(value)}")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
