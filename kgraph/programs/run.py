"""`python -m kgraph run`: a program for Keras, tf.keras or TensorFlow as it stands, with kgraph in their place."""
from __future__ import annotations

import argparse
import os
import runpy
import sys
import traceback

from kgraph import naming
from kgraph.programs import notebook
from kgraph.programs.aliases import install_as_keras
from kgraph.training import processes

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser):
    """What the command takes."""
    parser.usage = "kgraph run [--as VERSION] [--distribute] FILE | -m MODULE | NOTEBOOK.ipynb [ARGUMENT ...]"
    parser.add_argument("--as", dest="version", metavar="VERSION",
                        help="the Keras that the program was written for, such as 2.15 or 3.15 (the default): "
                             "its version and the defaults that changed since")
    parser.add_argument("--distribute", action="store_true",
                        help="training is shared by the processes that mpiexec started")
    parser.add_argument("-m", dest="module", action="store_true", help="a module by name rather than a file")
    parser.add_argument("program", help="a Python file, a notebook, or a module's name after -m")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="the program's own")


def run(program: str, arguments=(), module: bool = False, version: str | None = None, distribute=False) -> int:
    """Run a program. Returns its exit status; an error that leaves it is printed as Python does.

    program    a file, a notebook (.ipynb), or with ``module`` a module's name
    arguments  what it finds in sys.argv
    version    see `install_as_keras`
    distribute whether training is shared by the processes that mpiexec started
    """
    if not module and not os.path.isfile(program):
        raise FileNotFoundError(f"run: expected a Python file or a notebook, received {program!r}")
    install_as_keras(version)
    if distribute:
        from kgraph.distribution import DataParallel, set_distribution
        set_distribution(DataParallel())
    sys.argv = [program, *arguments]
    sys.path.insert(0, "" if module else os.path.dirname(os.path.abspath(program)))
    status = _status_of(program, module)
    if status and processes.together.world is not None:
        processes.together.world.end(status)  # the others would wait for this one
    return status


def _status_of(program, module) -> int:
    try:
        if module:
            runpy.run_module(program, run_name="__main__", alter_sys=True)
        elif program.endswith(".ipynb"):
            notebook.run(program)
        else:
            runpy.run_path(program, run_name="__main__")
        return 0
    except SystemExit as stop:
        return _status(stop)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  the program's own, shown as Python shows it
        _print_error(error)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    finally:
        _report_missing()


def _status(stop: SystemExit) -> int:
    if stop.code is None or isinstance(stop.code, int):
        return stop.code or 0
    print(stop.code, file=sys.stderr)
    return 1


def _print_error(error: BaseException):
    """The traceback from the program's own first line on."""
    frames = error.__traceback__
    own = os.path.dirname(__file__)
    while frames and (frames.tb_frame.f_code.co_filename.startswith(own) or
                      "runpy" in frames.tb_frame.f_code.co_filename):
        frames = frames.tb_next
    traceback.print_exception(type(error), error, frames or error.__traceback__)


def _report_missing():
    for name in sorted(naming.wanted):
        if name.replace("keras.", "kgraph.", 1) in sys.modules:   # asked for as an attribute before it was imported
            continue
        print(f"kgraph run: {name} was wanted and is not here", file=sys.stderr)
