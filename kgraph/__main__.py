"""The command line: python -m kgraph run | predict | inspect | report | export | cache | demo | bench."""
from __future__ import annotations

import argparse
import json
import os
import sys

from kgraph import __version__
from kgraph.naming import printable
from kgraph.programs import predict
from kgraph.programs import run as run_program


def main(arguments=None) -> int:
    """Run one command. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="kgraph", description=__doc__)
    parser.add_argument("--version", action="version", version=f"kgraph {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    inspect = commands.add_parser("inspect", help="what is in a model file, without building the model")
    inspect.add_argument("file", help=".keras, .h5, .weights.h5, JSON or YAML")
    inspect.add_argument("--json", action="store_true", help="as JSON")
    report = commands.add_parser("report", help="a page about a saved model: its graph, programs, kernels and times")
    report.add_argument("file", help=".keras or .h5")
    report.add_argument("page", nargs="?", help="where to write it; else beside the file, .html")
    export = commands.add_parser("export", help="a saved model as what runs elsewhere: ONNX, C, a bundle",
                                 epilog="Options of the format follow as --name value, --name or --no-name.")
    export.add_argument("file", help=".keras or .h5")
    export.add_argument("path", help="where to write; its suffix says the format")
    export.add_argument("--format", help="the format, where the suffix does not say it")
    cache = commands.add_parser("cache", help="the compiled kernels kept on disk")
    cache.add_argument("action", choices=("info", "clear", "build"),
                       help="build: compile the routines of this machine ahead, once after installation")
    cache.add_argument("--dtypes", nargs="+", default=["float32"],
                       help="of the routines that build compiles")
    commands.add_parser("demo", help="train on scanned digits and look inside")
    commands.add_parser("bench", help="measure this machine: kernels, models, other libraries", add_help=False)
    run = commands.add_parser("run", help="run a program written for Keras, tf.keras or TensorFlow as it stands")
    run_program.add_arguments(run)
    predict.add_arguments(commands.add_parser("predict", help="predictions of a saved model for files of inputs"))
    chosen, chosen.options = parser.parse_known_args(arguments)
    if chosen.options and chosen.command not in ("bench", "export"):  # which read them themselves
        parser.error(f"unrecognized arguments: {' '.join(chosen.options)}")
    try:
        status = COMMANDS[chosen.command](chosen) or 0
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # kgraph inspect FILE | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what Python flushes when it ends
        return 0
    except (ValueError, OSError) as e:
        print(f"kgraph: {printable(e, keep=chr(10))}", file=sys.stderr)
        return 1


def _inspect(chosen):
    from kgraph.inspect.files import describe_file, format_description
    found = describe_file(chosen.file)
    print(json.dumps(found, indent=1) if chosen.json else format_description(found))


def _report(chosen):
    from kgraph.inspect import report
    from kgraph.models import load_model
    page = chosen.page or os.path.splitext(chosen.file)[0] + ".html"
    report(load_model(chosen.file), page)
    print(f"wrote {page}")


def _export(chosen):
    from kgraph.export import command
    return command.run(chosen.file, chosen.path, chosen.format, chosen.options)


def _cache(chosen):
    from kgraph.codegen import object_cache
    if chosen.action == "clear":
        print(f"deleted {object_cache.clear()} files from {object_cache.folder()}")
    else:
        if chosen.action == "build":
            from kgraph.runtime import routines
            print(f"{routines.build(chosen.dtypes)} native routines are in the cache")
        found = object_cache.info()
        print(f"{found['folder']}: {found['files']} files, {found['bytes'] / 1e6:.1f} MB")


def _demo(chosen):
    from kgraph import demo
    demo.main()


def _bench(chosen):
    from kgraph import bench
    return bench.main(chosen.options)


def _run(chosen):
    return run_program.run(chosen.program, chosen.arguments, chosen.module, chosen.version, chosen.distribute)


def _predict(chosen):
    return predict.predict_files(chosen.model, chosen.files, chosen.jobs, chosen.output, chosen.format,
                                 chosen.batch_size)


COMMANDS = {"run": _run, "predict": _predict, "inspect": _inspect, "report": _report, "export": _export,
            "cache": _cache, "demo": _demo, "bench": _bench}

if __name__ == "__main__":
    sys.exit(main())
