"""The command line: python -m kgraph run | inspect | cache | demo | bench."""
from __future__ import annotations

import argparse
import json
import sys

from kgraph.naming import printable
from kgraph.programs import run as run_program


def main(arguments=None) -> int:
    """Run one command. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="kgraph", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    inspect = commands.add_parser("inspect", help="what is in a model file, without building the model")
    inspect.add_argument("file", help=".keras, .h5, .weights.h5, JSON or YAML")
    inspect.add_argument("--json", action="store_true", help="as JSON")
    cache = commands.add_parser("cache", help="the compiled kernels kept on disk")
    cache.add_argument("action", choices=("info", "clear"))
    commands.add_parser("demo", help="train on scanned digits and look inside")
    commands.add_parser("bench", help="measure this machine: kernels, models, other libraries", add_help=False)
    run = commands.add_parser("run", help="run a program written for Keras, tf.keras or TensorFlow as it stands")
    run_program.add_arguments(run)
    chosen, chosen.options = parser.parse_known_args(arguments)
    if chosen.options and chosen.command != "bench":  # which has a parser of its own for them
        parser.error(f"unrecognized arguments: {' '.join(chosen.options)}")
    try:
        return COMMANDS[chosen.command](chosen) or 0
    except (ValueError, OSError) as e:
        print(f"kgraph: {printable(e, keep=chr(10))}", file=sys.stderr)
        return 1


def _inspect(chosen):
    from kgraph.inspect.files import describe_file, format_description
    found = describe_file(chosen.file)
    print(json.dumps(found, indent=1) if chosen.json else format_description(found))


def _cache(chosen):
    from kgraph.codegen import object_cache
    if chosen.action == "clear":
        print(f"deleted {object_cache.clear()} files from {object_cache.folder()}")
    else:
        found = object_cache.info()
        print(f"{found['folder']}: {found['files']} files, {found['bytes'] / 1e6:.1f} MB")


def _demo(chosen):
    from kgraph import demo
    demo.main()


def _bench(chosen):
    from kgraph import bench
    return bench.main(chosen.options)


def _run(chosen):
    return run_program.run(chosen.program, chosen.arguments, chosen.module, chosen.version)


COMMANDS = {"run": _run, "inspect": _inspect, "cache": _cache, "demo": _demo, "bench": _bench}

if __name__ == "__main__":
    sys.exit(main())
