"""The compiler from end to end: `compile_program(program)` runs PASSES in order, plans memory and emits kernels.

What it returns is a Plan: pure text and data, which kgraph.runtime turns into machine code.
"""
from __future__ import annotations

import dataclasses
import functools
import os

from kgraph.compiler.buffers import plan_memory
from kgraph.compiler.dims import Size, size_of
from kgraph.compiler.ir import Op, Program, ProgramError, verify
from kgraph.compiler.loopnest.index import Layout
from kgraph.compiler.loopnest.verify import verify_nest
from kgraph.compiler.lowering import KERNELS
from kgraph.compiler.lowering.contract import emit_contract
from kgraph.compiler.lowering.kernel_dedup import for_other_values, structure
from kgraph.compiler.lowering.loops import LoopKernel, emit_loops
from kgraph.compiler.lowering.scan import emit_scan, emit_while
from kgraph.compiler.lowering.window import emit_window, window_flops
from kgraph.compiler.passes.cse_dce import cse, dce
from kgraph.compiler.passes.fuse import fuse, fused_p
from kgraph.compiler.passes.hoist import hoist
from kgraph.compiler.passes.horizontal_fusion import horizontal_fusion
from kgraph.compiler.passes.loop_cse import loop_cse
from kgraph.compiler.passes.pack_residuals import pack_residuals
from kgraph.compiler.passes.pairs import in_pairs
from kgraph.compiler.passes.prepare import fold_scales, pack_weights, prepared, transform_kernels
from kgraph.compiler.passes.rematerialise import rematerialise
from kgraph.compiler.passes.schedule import Views, part_strides, schedule, with_gaps
from kgraph.compiler.passes.simplify import expand, simplify, split_reductions
from kgraph.compiler.passes.widen import read_narrow, round_again, widen, widen_late
from kgraph.compiler.passes.window import lower_windows
from kgraph.compiler.plan import Kernel, Plan
from kgraph.compiler.prims.loop import scan_p, while_p
from kgraph.compiler.verify_plan import verify_plan

__all__ = ["PASSES", "compile_program", "run_passes"]

PLAIN_PASSES = [
    ("widen", widen), ("loop_cse", loop_cse), ("dce", dce), ("hoist", hoist), ("pack_residuals", pack_residuals),
    ("expand", expand), ("lower_windows", lower_windows), ("simplify", simplify), ("cse", cse), ("dce", dce),
    ("split_reductions", split_reductions),
    ("simplify", simplify), ("cse", cse), ("widen_late", widen_late), ("cse", cse), ("dce", dce),
]
PAIRS_PASSES = [("in_pairs", in_pairs), ("cse", cse), ("dce", dce)]   # for machines that multiply pairs of bfloat16
KERNEL_PASSES = [
    ("read_narrow", read_narrow), ("round_again", round_again), ("dce", dce), ("fuse", fuse),
    ("horizontal_fusion", horizontal_fusion), ("rematerialise", rematerialise),
    ("horizontal_fusion", horizontal_fusion), ("schedule", schedule),
]
PASSES = PLAIN_PASSES + KERNEL_PASSES
ONCE_PASSES = [("read_narrow", read_narrow), ("fuse", fuse), ("schedule", schedule)]  # few kernels, which do for many
BODY_PASSES = [("split_reductions", split_reductions), ("fuse", fuse), ("horizontal_fusion", horizontal_fusion),
               ("rematerialise", rematerialise), ("horizontal_fusion", horizontal_fusion)]
LOOPS = {scan_p: emit_scan, while_p: emit_while}


def _is_checked() -> bool:
    return os.environ.get("KGRAPH_CHECK") == "1"


def run_passes(program: Program, passes=None) -> Program:
    """The program after PASSES. With KGRAPH_CHECK=1 it is verified after each. A pass that raises names itself."""
    check = _is_checked()
    for name, run in PASSES if passes is None else passes:
        try:
            program = run(program)
            if check:
                verify(program)
        except Exception as error:
            raise ProgramError(f"pass {name} failed on program {program.name}: {error}") from error
    return program


def compile_program(program: Program, states=(), constants=(), size_rules=(), prepare=False, pairs=False) -> Plan:
    """Passes, memory and kernel sources of a program.

    states, constants  those of its inputs that are variables and captured arrays, in the order the runtime has them
    size_rules         what tracing had to assume of sizes
    prepare            with a plan of its own for what depends on constants, and states that it does not update
    pairs              whether the machine multiplies pairs of bfloat16 in one instruction
    """
    checks: list = []
    program, preparation, made = run_passes(program, PLAIN_PASSES + PAIRS_PASSES * pairs), None, ()
    if prepare:
        preparation, program, made = _prepared(program, states, constants)
    plan = _plan(run_passes(program, KERNEL_PASSES), states, constants, {}, checks, made)
    return dataclasses.replace(plan, checks=tuple(checks), size_rules=tuple(size_rules), preparation=preparation)


def _prepared(program: Program, states, constants) -> tuple:
    """(the plan of what is made of weights alone, the rest of the program, its inputs that this plan makes)."""
    updated = {state for state, _ in program.updates}
    weights = [v for v in (*states, *constants) if v not in updated]
    of_weights = [(p.__name__, functools.partial(p, weights=weights))
                  for p in (fold_scales, pack_weights, transform_kernels)]
    program = run_passes(program, [*of_weights, ("cse", cse), ("dce", dce)])
    making, program, made = prepared(program, weights)
    if making is None:
        return None, program, ()
    plan = _plan(run_passes(making, ONCE_PASSES), states, constants, {}, [])
    return plan, run_passes(program, [("dce", dce)]), made


def _plan(program: Program, states, constants, strides: dict, checks: list, made=()) -> Plan:
    """Memory and kernels of a program that has been through the passes. made: inputs that a preparation makes."""
    strides = part_strides(program.ops, strides)
    memory = plan_memory(program, states, constants, strides, made)
    views = Views(program.ops)
    state_of = {new: state for state, new in program.updates}
    known: dict = {}
    kernels = [_emit_once(op, Layout(_same_memory(op, state_of, views), strides), checks, known)
               for op in program.ops if not op.prim.view]
    plan = Plan(program, tuple(kernels), memory.buffers, memory.slots, naive_bytes=memory.naive_bytes,
                exchanged=memory.exchanged)
    return verify_plan(plan, strides) if _is_checked() else plan


def _compile_body(program: Program, states, strides: dict, checks: list) -> Plan:
    """A part of a loop's body, which has been simplified. strides: of inputs and outputs that lie with gaps."""
    gaps = [strides.get(v) for v in (*program.inputs, *program.outputs)]
    placed = lambda p: {v: s for v, s in zip((*p.inputs, *p.outputs), gaps, strict=True) if s is not None}
    passes = [*BODY_PASSES, ("with_gaps", lambda p: with_gaps(p, placed(p))), ("schedule", schedule)]
    done = run_passes(program, passes)
    return _plan(done, states, (), placed(done), checks)


def _same_memory(op: Op, state_of: dict, views: Views) -> dict:
    """The op's values that lie in a state it overwrites: they share one pointer, so that no two claim not to alias."""
    found = {out: state_of[out] for out in op.outputs if out in state_of}
    states = set(found.values())
    found.update((v, views.root(v)[0]) for v in op.inputs if views.root(v)[0] in states)
    return found


def _emit_once(op: Op, layout: Layout, checks: list, known: dict) -> Kernel:
    """The kernel of one op, written anew only when no op of the same structure is ``known``. A kernel with checks,
    which have numbers of their own, is written each time."""
    if op.prim in LOOPS:
        return emit(op, layout, checks)
    key, values = structure(op, layout)
    if key in known:
        kernel, others = known[key]
        return for_other_values(kernel, dict(zip(others, values, strict=True)), op, _scopes(op))
    before = len(checks)
    kernel = emit(op, layout, checks)
    if len(checks) == before:
        known[key] = kernel, values
    return kernel


def emit(op: Op, layout: Layout, checks: list) -> Kernel:
    """The kernel of one op. Raises NotImplementedError naming an op that has no lowering."""
    if op.prim in LOOPS:
        return LOOPS[op.prim](op, functools.partial(_compile_body, checks=checks))
    if op.prim is fused_p:
        body = op.params["body"]
        kernel = _EMITTERS[_anchor_kind(body)](op, layout, checks)
        flops = _loop_flops(op)
    elif (emitter := KERNELS.get(op.prim.name if op.prim.whole else op.prim.lower)) is not None:
        kernel = emitter(op, layout, checks)
        flops = window_flops(op) if op.prim.kind == "window" else sum((v.size for v in op.inputs), start=0)
    else:
        why = ": it works on the values of arrays, which a graph does not know" if op.prim.kind == "host" else ""
        error = NotImplementedError(f"primitive {op.prim.name} ({op.scope or 'no scope'}) has no kernel yet{why}: "
                                    "use run_eagerly=True")
        error.scope = op.scope
        raise error
    return _kernel(op, kernel, flops if kernel.flops is None else kernel.flops)


def _kernel(op: Op, kernel: LoopKernel, flops: Size) -> Kernel:
    nest = kernel.writer.nest(_describe(op))
    if _is_checked():
        verify_nest(nest)
    moved = sum((v.type.nbytes for v in (*op.inputs, *op.outputs)), start=0)
    return Kernel(nest, tuple(kernel.writer.args), kernel.extent, kernel.grain,
                  work=flops + moved // 8, flops=flops, bytes=moved, scratch=kernel.scratch, op=op, scopes=_scopes(op))


def _scopes(op: Op) -> tuple:
    return tuple(s for s in op.scope.split(",") if s)


def _anchor_kind(body: Program):
    """The kind of the op that decides how the kernel is made, or None for plain loops."""
    return next((op.prim.kind for op in body.ops if op.prim.kind in _EMITTERS), None)


_EMITTERS = {"contract": emit_contract, "window": emit_window, None: emit_loops}


def _describe(op: Op) -> list:
    """The primitives of the kernel, for the comment on top of its source."""
    ops = op.params["body"].ops if op.prim is fused_p else [op]
    return [o.prim.name for o in ops if o.prim.kind != "move"] or [o.prim.name for o in ops]


def _loop_flops(op: Op) -> Size:
    """Arithmetic of a fused op: two for each multiply-add of a product, one for each other element."""
    total: Size = 0
    for inner in op.params["body"].ops:
        if inner.prim.kind == "contract":
            summed = set(inner.params["a_axes"]) - set(inner.params["out_axes"])
            terms = size_of([n for x, n in zip(inner.params["a_axes"], inner.inputs[0].shape) if x in summed])
            total = total + 2 * inner.outputs[0].size * terms
        elif inner.prim.kind == "window":
            total = total + window_flops(inner)
        elif inner.prim.kind == "reduce":
            total = total + inner.inputs[0].size
        elif inner.prim.kind in ("elementwise", "random"):
            total = total + inner.outputs[0].size
    return total
