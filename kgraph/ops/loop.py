"""Loops and branches of kgraph.ops. On concrete tensors they are Python's own, so that what runs inside can be printed
and stepped through; inside a graph they become the primitives `scan` and `while`."""
from __future__ import annotations

import functools
import re

from kgraph import tree
from kgraph.compiler import dims
from kgraph.compiler.ir import Program, TensorLike, TensorType, Value
from kgraph.compiler.prims.loop import scan_p, while_p
from kgraph.compiler.trace import Trace, bind, current_trace, to_tensor
from kgraph.ops.core import as_tensor, broadcast_all, broadcast_shapes, op, same_size
from kgraph.ops.create import arange, zeros
from kgraph.ops.elementwise import where
from kgraph.ops.joining import concatenate, cut, stack
from kgraph.ops.shape import broadcast_to, expand_dims, flip, moveaxis, reshape, squeeze

__all__ = ["associative_scan", "cond", "fori_loop", "map", "scan", "scan_steps", "step_results", "switch",
           "vectorize", "vectorized_map", "while_loop"]


@op
def scan(f, init, xs=None, length=None, reverse=False, unroll=1):
    """Carry a state along the first axis of xs: ``carry, y = f(carry, x)`` for each x.

    Args:
        f: a function (carry, x) -> (carry, y).
        init: the first carry, a (nested) tensor; f has to keep its shapes and dtypes.
        xs: (nested) tensors [length, ...], or None with length given.
        length: the number of steps; None: that of xs.
        reverse: from the last step to the first. False by default.
        unroll: True: record each step by itself. 1 by default: one loop.

    Returns:
        (last carry, ys): what f gave, stacked along a new first axis.

    Raises:
        ValueError: neither xs nor length.

    Example:
        >>> ops.scan(lambda total, x: (total + x, total + x), 0, np.arange(4))
        (<Tensor i64[] 6>, <Tensor i64[4] [0 1 3 6]>)
    """
    init, xs = tree.map_structure(as_tensor, init), tree.map_structure(_tensor_or_none, xs)
    if length is None and not _tensors(xs):
        raise ValueError("scan: expected xs or length, received neither")
    return scan_steps(f, init, xs, length=length, reverse=reverse, unroll=unroll is True)


def scan_steps(f, init, xs, length=None, reverse=False, unroll=False, axis=0):
    """`scan` of tensors whose steps lie along any axis of xs and ys (the last one of those with fewer axes)."""
    if _tensors(xs):
        length = _common_length(_tensors(xs), axis, length)
    if current_trace() is None or unroll:
        return _python_loop(f, init, xs, length, reverse, axis)
    return _recorded_scan(f, init, xs, length, reverse, axis)


def step_results(f, init, xs, axis=0):
    """The y of one step, ``_, y = f(carry, x)``, as values that have types only. Nothing is computed."""
    return _trace(f, init, xs, axis)[1]


def _tensor_or_none(x):
    return None if x is None else as_tensor(x)


def _tensors(xs) -> list:
    return [x for x in tree.flatten(xs) if x is not None]


def _place(x, axis) -> int:
    return min(axis, len(x.shape) - 1)


def _common_length(xs, axis, length):
    for x in xs:
        if not x.shape:
            raise ValueError("scan: expected xs with an axis to walk along, received a scalar")
        size = x.shape[_place(x, axis)]
        length = size if length is None else same_size(length, size, "scan: length of xs")
    return length


def _python_loop(f, init, xs, length, reverse, axis):
    carry, found = init, [None] * length
    for t in reversed(range(length)) if reverse else range(length):
        carry, found[t] = f(carry, _steps_at(xs, t, axis))
    if not length:
        _, ys, _ = _trace(f, init, xs, axis)
        none = lambda y: None if y is None else zeros((*y.shape[:axis], 0, *y.shape[axis:]), y.dtype)
        return init, tree.map_structure(none, ys)
    stacked = lambda *ys: None if ys[0] is None else stack(ys, min(axis, len(ys[0].shape)))
    return carry, tree.map_structure(stacked, found[0], *found[1:])


def _steps_at(xs, t, axis):
    """Step t of each of xs."""
    def step(x):
        place = _place(x, axis)
        return squeeze(cut(x, place, t, t + 1), place)
    return tree.map_structure(lambda x: None if x is None else step(x), xs)


def _recorded_scan(f, init, xs, length, reverse, axis):
    """Trace one step. Variables that it assigns join the carry, so a step is traced again when there are such."""
    variables: list = []
    while True:
        body, ys, assigned = _trace(f, init, xs, axis, variables)
        if not assigned:
            break
        variables += assigned
    start = [*tree.flatten(init), *(v.value for v in variables)]
    inputs = [to_tensor(x) for x in (*body.consts, *start, *_tensors(xs))]
    results = bind(scan_p, *inputs, body=body.program, length=length, reverse=reverse, n_consts=len(body.consts),
                   n_carry=len(start), axis=axis)
    n = len(tree.flatten(init))
    for variable, value in zip(variables, results[n:len(start)]):
        variable.assign(value)
    rest = iter(results[len(start):])
    return tree.pack_sequence_as(init, results[:n]), tree.map_structure(lambda y: None if y is None else next(rest), ys)


class _StepTrace(Trace):
    """Records a step. ``carried`` variables are inputs; others that are assigned are noted in ``assigned``."""

    def __init__(self, name, carried=()):
        super().__init__(name)
        self.carried, self.assigned = list(carried), []

    def assign(self, variable, value):
        if variable.home is not None:
            return super().assign(variable, value)  # says that this cannot be
        if variable not in self.carried and variable not in self.assigned:
            self.assigned.append(variable)
        self.current[variable] = value


class _Body:
    """A traced step: its Program, with the inputs that capture outer values first, and these values."""

    def __init__(self, trace: _StepTrace, inputs, outputs):
        program = trace.finish(outputs)
        captured = [v for v, _ in trace.captured]
        self.consts = [x for _, x in trace.captured]
        self.program = Program(program.name, (*captured, *inputs), program.ops, program.outputs)


def _trace(f, init, xs, axis, variables=()):
    """One step of f as (a _Body, the structure of its ys, variables that it assigned without carrying them)."""
    with _StepTrace("step", variables) as trace:
        carry = tree.map_structure(lambda x: trace.add_input(x.type), init)
        for v in variables:
            trace.current[v] = trace.add_input(v.type, v.path)
        states = [trace.current[v] for v in variables]
        steps = tree.map_structure(lambda x: None if x is None else trace.add_input(_step_type(x, axis)), xs)
        new, ys = f(carry, steps)
        new, ys = tree.map_structure(as_tensor, new), tree.map_structure(_tensor_or_none, ys)
        _check_carry(carry, new)
        outputs = [*tree.flatten(new), *(trace.current[v] for v in variables), *_tensors(ys)]
        body = _Body(trace, [*tree.flatten(carry), *states, *_tensors(steps)], outputs)
    return body, ys, trace.assigned


def _step_type(x, axis):
    place = _place(x, axis)
    return TensorType((*x.shape[:place], *x.shape[place + 1:]), x.dtype)


def _check_carry(carry, new):
    same = tree.same_structure(carry, new)
    types = lambda c: ", ".join(str(x.type) for x in tree.flatten(c))
    if not same or any(a.type != b.type for a, b in zip(tree.flatten(carry), tree.flatten(new))):
        raise ValueError("loop: expected the step to give a carry like the one it gets, "
                         f"{types(carry)}, received {types(new)}")


@op
def map(f, xs):
    """f applied to each slice along the first axis of (nested) xs, the results stacked.

    Args:
        f: a function of a slice.
        xs: (nested) tensors [length, ...].

    Example:
        >>> ops.map(lambda x: x * x, np.arange(4))
        <Tensor i64[4] [0 1 4 9]>
    """
    return scan(lambda carry, x: (carry, f(x)), (), xs)[1]


@op
def vectorized_map(function, elements):
    """`map` of a function without side effects.

    Args:
        function: of a slice.
        elements: (nested) tensors [length, ...].

    Example:
        >>> ops.vectorized_map(lambda x: x + 1, np.arange(3))
        <Tensor i64[3] [1 2 3]>
    """
    return map(function, elements)


@op
def associative_scan(f, elems, reverse=False, axis=0):
    """[a, f(a, b), f(f(a, b), c) ...] of the slices a, b, c ... of elems along an axis, where f is associative.

    f is called with several slices at a time, in two (nested) tensors of equal shapes, and combines them one by one.
    reverse: [..., f(f(c, b), a)], from the last slice to the first.

    Args:
        f: a function of two (nested) tensors.
        elems: (nested) tensors of one size along the axis.
        reverse: from the last slice to the first. False by default.

    Example:
        >>> ops.associative_scan(ops.add, np.arange(5))
        <Tensor i64[5] [ 0  1  3  6 10]>
    """
    xs = tree.map_structure(as_tensor, elems)
    rank = len(tree.flatten(xs)[0].shape)
    axis = axis % rank if rank else 0
    turned = (lambda v: tree.map_structure(lambda x: flip(x, axis), v)) if reverse else lambda v: v
    xs, n = turned(xs), tree.flatten(xs)[0].shape[axis]
    return turned(_scan_by_doubling(f, xs, n, axis) if isinstance(n, int) else _scan_one_by_one(f, xs, axis))


def _scan_by_doubling(f, xs, n, axis):
    """log2(n) calls of f: after each the element holds what twice as many elements up to it make."""
    part = lambda start, stop: tree.map_structure(lambda x: cut(x, axis, start, stop), xs)
    step = 1
    while step < n:
        joined = f(part(0, n - step), part(step, n))
        xs = tree.map_structure(lambda x, y, s=step: concatenate([cut(x, axis, 0, s), as_tensor(y, x.dtype)], axis),
                                xs, joined)
        step *= 2
    return xs


def _scan_one_by_one(f, xs, axis):
    wide = lambda v: tree.map_structure(lambda x: expand_dims(x, axis), v)
    flat = lambda v: tree.map_structure(lambda x: squeeze(x, axis), v)
    first = tree.map_structure(lambda x: squeeze(cut(x, axis, 0, 1), axis), xs)
    rest = tree.map_structure(lambda x: moveaxis(cut(x, axis, 1, x.shape[axis]), axis, 0), xs)

    def step(carry, x):
        new = tree.map_structure(lambda y, c: as_tensor(y, c.dtype), flat(f(wide(carry), wide(x))), carry)
        return new, new

    _, others = scan_steps(step, first, rest)
    return tree.map_structure(lambda a, b: concatenate([expand_dims(a, axis), moveaxis(b, 0, axis)], axis), first,
                              others)


def vectorize(pyfunc, *, excluded=None, signature=None):
    """A function that calls pyfunc for each element of its arguments, which broadcast, and puts the results together.

    Args:
        excluded: numbers or names of arguments that are passed on as they are
        signature: such as "(m,n),(n)->(m)": the last axes that each call gets and gives in place of scalars
        pyfunc: a function of scalars.

    Returns:
        A function.

    Raises:
        TypeError: pyfunc cannot be called.
        ValueError: pyfunc is no function, or is called with another number of arguments than the signature has.

    Example:
        >>> ops.vectorize(lambda a, b: a * 10 + b)(np.arange(3), 1)
        <Tensor i64[3] [ 1 11 21]>
    """
    if not callable(pyfunc):
        raise ValueError(f"vectorize: expected a function, received {pyfunc!r}")
    excluded = set(excluded or ())
    ranks = None if signature is None else [len([n for n in group.split(",") if n.strip()]) for group in re.findall(
        r"\(([^)]*)\)", signature.partition("->")[0])]

    @functools.wraps(pyfunc)
    def vectorized(*args, **kwargs):
        places = [i for i in range(len(args)) if i not in excluded]
        kept = {name: value for name, value in kwargs.items() if name in excluded}
        names = [name for name in kwargs if name not in excluded]
        xs = [as_tensor(args[i]) for i in places] + [as_tensor(kwargs[name]) for name in names]
        inner = ranks or [0] * len(xs)
        if len(inner) != len(xs):
            raise ValueError(f"vectorize: expected {len(inner)} arguments for the signature {signature!r}, received "
                             f"{len(xs)}")

        def call(values):
            given = list(args)
            for i, value in zip(places, values):
                given[i] = value
            return pyfunc(*given, **dict(zip(names, values[len(places):])), **kept)

        return _mapped(call, xs, inner)
    return vectorized


def _mapped(call, xs, ranks):
    """call(parts of xs) for each place of the axes before the last `ranks` ones, which broadcast."""
    outer = [x.shape[:len(x.shape) - r] for x, r in zip(xs, ranks)]
    shape = broadcast_shapes(*outer, what="vectorize")
    inner = [tuple(x.shape[len(s):]) for x, s in zip(xs, outer)]
    count = dims.size_of(shape)
    wide = [reshape(broadcast_to(x, (*shape, *i)), (count, *i)) for x, i in zip(xs, inner)]
    found = map(lambda values: call(list(values)), tuple(wide))
    return tree.map_structure(lambda y: reshape(y, (*shape, *y.shape[1:])), found)


@op
def fori_loop(lower, upper, body_fun, init_val):
    """``for i in range(lower, upper): val = body_fun(i, val)``; returns the last val. Bounds may be tensors.

    Args:
        lower, upper: the first number, and the one that is not reached: ints or tensors.
        body_fun: a function (i, val) -> val.
        init_val: a (nested) tensor, whose shapes and dtypes stay.

    Example:
        >>> ops.fori_loop(0, 4, lambda i, total: total + i, 0)
        <Tensor i32[] 6>
    """
    init = tree.map_structure(as_tensor, init_val)
    if all(isinstance(b, int) for b in (lower, upper)):
        numbers = arange(lower, max(lower, upper), dtype="int32")
        return scan_steps(lambda val, i: (body_fun(i, val), ()), init, numbers)[0]
    upper = as_tensor(upper, "int32")
    step = lambda i, val: (i + 1, body_fun(i, val))
    return while_loop(lambda i, val: i < upper, step, (as_tensor(lower, "int32"), init))[1]


@op
def while_loop(cond, body, loop_vars, maximum_iterations=None):
    """While cond(*loop_vars): loop_vars = body(*loop_vars). Returns the last loop_vars, in the structure they came in.

    In a graph no gradient flows through it, as the number of steps depends on the data: use scan or fori_loop for that.

    Args:
        cond, body: functions of the parts of loop_vars.
        loop_vars: a (nested) tuple or list of tensors whose shapes and dtypes body keeps, or one tensor.
        maximum_iterations: the loop ends after so many. None: no bound.

    Example:
        >>> ops.while_loop(lambda n: n < 100, lambda n: n * 3, 1)
        <Tensor i32[] 243>
    """
    alone = not isinstance(loop_vars, (tuple, list))
    carry = tuple(tree.map_structure(as_tensor, (loop_vars,) if alone else tuple(loop_vars)))
    step = lambda *carry: _as_tuple(body(*carry))
    if current_trace() is None:
        count = 0
        while (maximum_iterations is None or count < maximum_iterations) and bool(as_tensor(cond(*carry))):
            carry = tree.map_structure(as_tensor, step(*carry))
            count += 1
    else:
        carry = _recorded_while(cond, step, carry, maximum_iterations)
    return carry[0] if alone else type(loop_vars)(carry) if isinstance(loop_vars, list) else carry


def _as_tuple(x):
    return tuple(x) if isinstance(x, (tuple, list)) else (x,)


def _recorded_while(cond, step, carry, most):
    test, test_consts, _ = _traced_part("test", lambda *c: as_tensor(cond(*c)), carry)
    body, body_consts, new = _traced_part("body", step, carry)
    _check_carry(carry, new)
    values = [to_tensor(x) for x in (*test_consts, *body_consts)]
    unused = lambda consts: tuple(Value(to_tensor(x).type) for x in consts)
    test = _with_inputs(test, (*test.inputs[:len(test_consts)], *unused(body_consts), *test.inputs[len(test_consts):]))
    body = _with_inputs(body, (*unused(test_consts), *body.inputs))
    results = bind(while_p, *values, *tree.flatten(carry), test=test, body=body, n_consts=len(values), most=most)
    return tree.pack_sequence_as(carry, results)


def _with_inputs(program, inputs) -> Program:
    return Program(program.name, inputs, program.ops, program.outputs)


def _traced_part(name, f, carry):
    """(Program with captured values first, these values, the structure of the result)."""
    with Trace(name) as trace:
        inputs = tree.map_structure(lambda x: trace.add_input(x.type), carry)
        result = tree.map_structure(as_tensor, f(*inputs))
        program = trace.finish(tree.flatten(result))
    ordered = (*(v for v, _ in trace.captured), *tree.flatten(inputs))
    return _with_inputs(program, ordered), [x for _, x in trace.captured], result


@op
def cond(pred, true_fn, false_fn):
    """true_fn() where pred holds, else false_fn().

    In a graph both are computed and the result is chosen, for results and for variables that they assign. So an index
    outside a table is an error in either function, and a gradient that is not finite in one is not finite in all.

    Args:
        pred: a scalar.
        true_fn, false_fn: functions without arguments that give results of one structure, shapes and dtypes.

    Raises:
        ValueError: results of other structures.

    Example:
        >>> ops.cond(True, lambda: 1, lambda: 2)
        1
    """
    pred = as_tensor(pred, "bool") if isinstance(pred, TensorLike) else bool(pred)
    if not isinstance(pred, Value):
        return true_fn() if bool(pred) else false_fn()
    chosen, other = _both_branches(pred, true_fn, false_fn)
    if not tree.same_structure(chosen, other):
        raise ValueError("cond: expected results of one structure from both functions, received "
                         f"{tree.map_structure(lambda x: '.', chosen)} and {tree.map_structure(lambda x: '.', other)}")
    return tree.map_structure(lambda a, b: _choose(pred, a, b), chosen, other)


def _both_branches(pred, true_fn, false_fn):
    """The results of both functions, each of which finds the variables as they were; they then hold what was chosen."""
    trace = current_trace()
    before = trace.current
    trace.current = dict(before)
    chosen, assigned = true_fn(), trace.current
    trace.current = {**trace.states, **before}
    other, otherwise = false_fn(), trace.current
    trace.current = {**trace.states, **before}
    for v in {**assigned, **otherwise}:
        if v.home is None and assigned.get(v) is not otherwise.get(v):
            a, b = (values[v] if v in values else trace.read(v) for values in (assigned, otherwise))
            v.assign(where(pred, a, b))
    return chosen, other


def _choose(pred, a, b):
    return None if a is None and b is None else where(pred, *broadcast_all(as_tensor(a), as_tensor(b)))


@op
def switch(index, branches, *operands):
    """``branches[index](*operands)``, with the index moved inside [0, len(branches)).

    Args:
        index: a scalar of integers.
        branches: functions of the operands.
        operands: tensors.

    Example:
        >>> ops.switch(1, [lambda x: x + 1, lambda x: x * 10], 5)
        50
    """
    last = len(branches) - 1
    if not isinstance(index, TensorLike) or not isinstance(to_tensor(index), Value):
        return branches[min(max(int(index), 0), last)](*operands)
    result = branches[last](*operands)
    for i in range(last - 1, -1, -1):
        result = cond(index <= i, lambda i=i: branches[i](*operands), lambda r=result: r)
    return result
