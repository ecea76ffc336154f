"""What was measured, as tables for the terminal, as plain data, and as a picture."""
from __future__ import annotations

from dataclasses import asdict

from rich import box
from rich.markup import escape
from rich.table import Table

from kgraph.bench.chart import Bar, Panel, bar_chart
from kgraph.bench.loops import LOOPS
from kgraph.bench.peers import MEASURED

__all__ = ["as_data", "as_svg", "kernel_table", "loop_table", "model_table", "serve_table", "time_text"]

SLOWEST = 6.0   # times as slow as kgraph, where the picture cuts bars off
TITLES = {"train": "a training step", "predict": "predict, a batch", "sample": "predict, one sample"}


def time_text(seconds) -> str:
    """Seconds in the unit that suits them; a dash for None."""
    if seconds is None:
        return "-"
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}" if seconds < 1000 * scale else f"{seconds / scale:.0f} {unit}"
    return f"{seconds / 1e-9:.0f} ns"


def limits_text(limits) -> str:
    """What this machine can do at most, in a sentence."""
    return (f"{limits.threads} threads reach {limits.float32 / 1e9:.0f} GFLOP/s in float32, "
            f"{limits.bfloat16 / 1e9:.0f} in bfloat16, "
            f"{limits.int8 / 1e9:.0f} in int8 and {limits.bandwidth / 1e9:.1f} GB/s")


# ------------------------------------------------------------------ tables
def kernel_table(rows, limits) -> Table:
    """One line a kernel and size."""
    table = _table(f"Kernels: {limits_text(limits)}", ("kernel", "size"),
                   ("time", "GFLOP/s", "GB/s", "of limit", "NumPy", "times as fast"))
    for r in rows:
        table.add_row(r.name, r.size, time_text(r.seconds), f"{r.gflops:.1f}", f"{r.gbytes:.1f}", f"{r.share:.0%}",
                      time_text(r.reference), f"{r.reference / r.seconds:.1f}")
    table.caption = ("of limit: arithmetic or main memory, whichever is nearer; above 100% data stay in a cache, or a "
                     "convolution needs fewer multiplications than its definition, by which it is counted")
    return table


def model_table(rows) -> Table:
    """One line for each contender of a workload, kgraph first; in brackets how many times kgraph's time it is, or of a
    line beside a busy process, how many times its own time."""
    table = _table(f"Model: {rows[0].workload}", ("with",),
                   ("train step", "predict batch", "one sample", "cold start", "peak MB"))
    own = rows[0]
    for row in rows:
        base = own if row.busy else rows[0]
        times = [_beside(getattr(row, what), getattr(base, what)) for what in MEASURED]
        name = "  beside a busy process" if row.busy else row.contender
        table.add_row(name, *times, time_text(row.cold_s), f"{row.peak_mb:.0f}" if row.peak_mb else "-")
        own = own if row.busy else row
    table.caption = _failures(rows)
    return table


def serve_table(rows) -> Table:
    """One line for each contender and number of clients."""
    table = _table(f"Serving single samples of {rows[0].workload}", ("with",), ("clients", "requests/s", "p50", "p99"))
    for r in rows:
        rate = "-" if r.rate is None else f"{r.rate:.0f}"
        table.add_row(r.contender, str(r.threads), rate, time_text(r.p50), time_text(r.p99))
    table.caption = _failures(rows)
    return table


def loop_table(rows) -> Table:
    """One line for each loop of a deep model, kgraph's time first; in brackets how many times that it is."""
    table = _table(f"Loops of the user's own: {rows[0].workload}", ("a turn of",), [r.contender for r in rows])
    for loop, title in LOOPS.items():
        table.add_row(title, *[_beside(r.times.get(loop), rows[0].times.get(loop)) for r in rows])
    table.caption = _failures(rows)
    return table


def _failures(rows) -> str | None:
    return "\n".join({f"{r.contender} failed: {escape(r.error)}": 0 for r in rows if r.error}) or None


def _table(title, left, right) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", caption_justify="left")
    for name in left:
        table.add_column(name)
    for name in right:
        table.add_column(name, justify="right")
    return table


def _beside(seconds, own) -> str:
    return time_text(seconds) + (f" ({seconds / own:.2f})" if seconds and own and seconds != own else "")


# ------------------------------------------------------------------ data and picture
def as_data(machine, **rows) -> dict:
    """Plain data for JSON: kernels, models, serving, loops. Times are in seconds."""
    return {"machine": machine, **{kind: [asdict(r) for r in found] for kind, found in rows.items()}}


def as_svg(limits, kernels, models) -> str:
    """Kernels by their share of the machine's limit, models by their time beside kgraph's."""
    panels = [_share_panel(kernels)] if kernels else []
    panels += [panel for what in MEASURED if (panel := _model_panel(what, models)).groups]
    return bar_chart(f"kgraph bench: {limits_text(limits)}", panels)


def _share_panel(rows) -> Panel:
    groups = [(f"{r.name} {r.size}", [Bar("kgraph", r.share, f"{r.share:.0%}, {time_text(r.seconds)}")]) for r in rows]
    return Panel("Kernels: share of the machine's limit", groups, most=1.0)


def _model_panel(what, rows) -> Panel:
    groups = []
    for workload in dict.fromkeys(r.workload for r in rows):
        found = [(r.contender, getattr(r, what)) for r in rows if r.workload == workload and not r.busy]
        if own := found[0][1]:  # kgraph's
            groups.append((workload, [Bar(name, t / own, time_text(t)) for name, t in found if t is not None]))
    return Panel(f"Models: {TITLES[what]}, time beside kgraph's", groups, most=SLOWEST, line=1.0)
