"""The report: one page that shows a model at every stage, and links each to the others."""
from __future__ import annotations

import base64
import gzip
import json
from html import escape
from importlib import resources
from pathlib import Path

from kgraph.inspect.page.collect import contents
from kgraph.naming import printable

__all__ = ["Report", "report"]


class Report(str):
    """The text of a page, which a notebook shows in a frame."""

    def _repr_html_(self):
        return f'<iframe srcdoc="{escape(self)}" style="width:100%;height:640px;border:0" title="report"></iframe>'


def report(model, to_file="report.html", x=None, y=None, which=None, assembly=True) -> Report:
    """Write a page about a model, and return it: its graph, its program before and after each pass, loop nests, sources
    and assembly of its kernels, where time and memory go, and the curves of its last fit. The page needs no network.

    Raises ValueError for a model of which it is not known what it takes, and no x given. An address such as
    report.html#Layer/NAME opens the page at a layer.

    Args:
        to_file: where to write it; None writes nothing
        x, y: a batch; without, one made up of zeros
        which: the step that is shown: "train" by default where compile() was called, else "predict"; or "test"
        assembly: whether kernels are compiled once more for their assembly

    Example:
        >>> model = kgraph.Sequential([kgraph.Input((2,)), layers.Dense(1)])
        >>> page = report(model, "report.html")
    """
    which = which or ("train" if model.compiled and (x is None or y is not None) else "predict")
    data = json.dumps(contents(model, which, x, y, assembly)).encode()
    packed = base64.b64encode(gzip.compress(data, mtime=0)).decode()
    part = lambda name: resources.files(__name__).joinpath(name).read_text(encoding="utf-8")
    page = part("page.html").replace("TITLE", escape(printable(model.name)))
    page = page.replace("/* STYLE */", part("page.css")).replace("/* SCRIPT */", part("page.js"))
    page = Report(page.replace("DATA", packed))
    if to_file is not None:
        Path(to_file).write_text(page, encoding="utf-8")
    return page
