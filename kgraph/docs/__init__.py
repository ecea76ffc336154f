"""What is said about kgraph's public names, read from their docstrings: for pages, for the terminal, and counted.

A docstring is a summary, text, and sections in Google's style (Args, Returns, Raises, Example). What many share is
said once and holds below: a base class tells the arguments that its subclasses take as well, a module those of its
functions, a package those of its modules.

    python -m kgraph.docs layers.Dense       all that is said about a name, with what it takes over
    python -m kgraph.docs --coverage         how much of the public names is described: less than all is status 1
    python -m kgraph.docs --examples         runs every example and compares what it prints
"""
from kgraph.docs.coverage import coverage
from kgraph.docs.examples import run_examples
from kgraph.docs.names import Name, public_names
from kgraph.docs.text import describe

__all__ = ["Name", "coverage", "describe", "public_names", "run_examples"]
