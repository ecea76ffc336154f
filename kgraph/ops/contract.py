"""Products of tensors: matmul, dot, tensordot, einsum and their kin, all by the one primitive `contract`."""
from __future__ import annotations

import string

from kgraph.compiler.prims.contract import contract_p
from kgraph.compiler.trace import bind
from kgraph.ops.core import axis_of, cast_to, expand_to, floating, op, promote, same_size
from kgraph.ops.diagonals import diagonal
from kgraph.ops.elementwise import clip, multiply, sqrt, square, subtract
from kgraph.ops.joining import pad, stack
from kgraph.ops.reduce import mean, sum
from kgraph.ops.shape import expand_dims, moveaxis, ravel, reshape, squeeze, transpose


def contracted(a, a_axes, b, b_axes, out_axes, what="einsum", wide=False):
    """sum of a * b over the labels that are not in out_axes. Labels are hashable, at most once in each list. wide:
    products of int8 are added up in int32.

    A size of 1 meets any size, as in broadcasting. Raises ValueError when other sizes differ.
    """
    a, a_axes, b, b_axes = _fit(a, list(a_axes), b, list(b_axes), what)
    wide = wide and a.dtype == b.dtype == "int8"
    if wide and not set(out_axes) | set(a_axes) & set(b_axes) >= {*a_axes, *b_axes}:
        a, b = cast_to(a, "int32"), cast_to(b, "int32")
    a, a_axes = _sum_own(a, a_axes, set(b_axes) | set(out_axes))
    b, b_axes = _sum_own(b, b_axes, set(a_axes) | set(out_axes))
    number = {label: i for i, label in enumerate(dict.fromkeys([*a_axes, *b_axes]))}
    numbered = lambda labels: tuple(number[label] for label in labels)
    exact = {"dtype": "int32"} if wide and a.dtype == "int8" else {}
    return bind(contract_p, a, b, a_axes=numbered(a_axes), b_axes=numbered(b_axes), out_axes=numbered(out_axes),
                **exact)


def _fit(a, a_axes, b, b_axes, what):
    """Drop the axes of size 1 that meet another size, and give sizes that are taken as equal one name."""
    shape, drop_a, drop_b = list(b.shape), [], []
    for label in [x for x in a_axes if x in b_axes]:
        i, j = a_axes.index(label), b_axes.index(label)
        n, m = a.shape[i], b.shape[j]
        if n == m:
            continue
        if n == 1:
            drop_a.append(i)
        elif m == 1:
            drop_b.append(j)
        else:
            shape[j] = same_size(n, m, f"{what}: shapes {tuple(a.shape)} and {tuple(b.shape)}")
    b = expand_to(b, tuple(shape))
    a, a_axes = _drop(a, a_axes, drop_a)
    return a, a_axes, *_drop(b, b_axes, drop_b)


def _drop(x, labels, axes):
    if not axes:
        return x, labels
    return squeeze(x, tuple(axes)), [label for i, label in enumerate(labels) if i not in axes]


def _sum_own(x, labels, needed):
    """Sum over the axes that nobody else has."""
    own = tuple(i for i, label in enumerate(labels) if label not in needed)
    return (sum(x, own), [label for i, label in enumerate(labels) if i not in own]) if own else (x, labels)


@op
def matmul(x1, x2):
    """The matrix product over the last two axes; leading axes broadcast; vectors gain an axis and lose it again. Of two
    int8, int32.

    Raises:
        ValueError: an argument is a scalar, or the sizes do not fit.

    Example:
        >>> ops.matmul([[1, 2], [3, 4]], [1, 1])
        <Tensor i32[2] [3 7]>
    """
    a, b = promote(x1, x2, least=int)
    rank_a, rank_b = len(a.shape), len(b.shape)
    if not rank_a or not rank_b:
        raise ValueError("matmul: expected tensors with at least one axis, "
                         f"received shapes {tuple(a.shape)} and {tuple(b.shape)}")
    batch = max(rank_a, rank_b) - 2
    lead = lambda rank: list(range(batch - (rank - 2), batch)) if rank > 2 else []
    a_axes = [*lead(rank_a), "m", "k"] if rank_a > 1 else ["k"]
    b_axes = [*lead(rank_b), "k", "n"] if rank_b > 1 else ["k"]
    out = [*range(max(batch, 0)), *(["m"] if rank_a > 1 else []), *(["n"] if rank_b > 1 else [])]
    return contracted(a, a_axes, b, b_axes, out, "matmul", wide=True)


@op
def dot(x1, x2):
    """The product over the last axis of x1 and the last but one of x2 (the last of a vector); scalars multiply.

    Example:
        >>> ops.dot([1, 2, 3], [4, 5, 6])
        <Tensor i32[] 32>
    """
    a, b = promote(x1, x2, least=int)
    if not a.shape or not b.shape:
        return multiply(a, b)
    return tensordot(a, b, [[len(a.shape) - 1], [max(len(b.shape) - 2, 0)]])


@op
def tensordot(x1, x2, axes=2):
    """The product summed over pairs of axes: the last `axes` of x1 with the first of x2, or two lists of axes.

    Args:
        axes: a number of axes, 2 by default, or two lists of axes.

    Raises:
        ValueError: more axes of one than of the other.

    Example:
        >>> ops.tensordot([[1, 2], [3, 4]], [[1, 0], [0, 1]], axes=2)
        <Tensor i32[] 5>
    """
    a, b = promote(x1, x2, least=int)
    if isinstance(axes, int):
        left, right = range(len(a.shape) - axes, len(a.shape)), range(axes)
    else:
        left, right = (v if isinstance(v, (tuple, list)) else (v,) for v in axes)
    left = [axis_of(v, len(a.shape), "tensordot") for v in left]
    right = [axis_of(v, len(b.shape), "tensordot") for v in right]
    if len(left) != len(right):
        raise ValueError(f"tensordot: expected as many axes of x1 as of x2, received {axes}")
    a_axes = [("a", i) for i in range(len(a.shape))]
    b_axes = [a_axes[left[right.index(i)]] if i in right else ("b", i) for i in range(len(b.shape))]
    out = [x for i, x in enumerate(a_axes) if i not in left] + [x for i, x in enumerate(b_axes) if i not in right]
    return contracted(a, a_axes, b, b_axes, out, "tensordot")


@op
def inner(x1, x2):
    """The product summed over the last axes of both.

    Example:
        >>> ops.inner([[1, 2], [3, 4]], [1, 10])
        <Tensor i32[2] [21 43]>
    """
    a, b = promote(x1, x2, least=int)
    return tensordot(a, b, [[-1], [-1]]) if a.shape and b.shape else multiply(a, b)


@op
def outer(x1, x2):
    """Every product of an element of x1 and one of x2, both flattened: a matrix.

    Example:
        >>> ops.outer([1, 2], [10, 20])
        <Tensor i32[2,2] [[10 20]
         [20 40]]>
    """
    a, b = promote(x1, x2, least=int)
    return contracted(ravel(a), ["m"], ravel(b), ["n"], ["m", "n"], "outer")


@op
def vdot(x1, x2):
    """The sum of products of the flattened tensors.

    Example:
        >>> ops.vdot([[1, 2]], [[3], [4]])
        <Tensor i32[] 11>
    """
    a, b = promote(x1, x2, least=int)
    return contracted(ravel(a), ["k"], ravel(b), ["k"], [], "vdot")


@op
def einsum(subscripts, *operands, **kwargs):
    """Einstein's notation, with ellipses, such as ``"bij,bjk->bik"``. Operands are taken in from left to right. Of
    int8, int32.

    Args:
        subscripts: labels of the axes of each operand, and of the result after "->".
        operands: tensors.

    Example:
        >>> ops.einsum("ij,j->i", [[1, 2], [3, 4]], [1, 1])
        <Tensor i32[2] [3 7]>
    """
    xs = promote(*operands, least=int)
    if len(xs) != 2 and all(x.dtype == "int8" for x in xs):
        xs = [cast_to(x, "int32") for x in xs]
    terms, out = _parse(subscripts, [len(x.shape) for x in xs])
    pairs = [_without_repeats(x, labels) for x, labels in zip(xs, terms)]
    while len(pairs) > 1:
        (a, a_axes), (b, b_axes), *rest = pairs
        needed = set(out).union(*(labels for _, labels in rest))
        kept = out if not rest else [x for x in dict.fromkeys([*a_axes, *b_axes]) if x in needed]
        pairs = [(contracted(a, a_axes, b, b_axes, kept, "einsum", True), kept), *rest]
    x, labels = _sum_own(*pairs[0], set(out))
    return transpose(x, [labels.index(label) for label in out])


def _parse(subscripts, ranks):
    """Lists of labels for each operand and for the result; an ellipsis becomes numbered labels, from the right."""
    text = subscripts.replace(" ", "")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        raise ValueError(f"einsum: expected {len(terms)} operands for {subscripts!r}, received {len(ranks)}")
    found = [_labels(term, rank, subscripts) for term, rank in zip(terms, ranks)]
    dots = max((labels for labels in ([x for x in f if isinstance(x, int)] for f in found)), key=len)
    if arrow:
        count = len(dots)
        out = _labels(right, len(right.replace("...", "")) + (count if "..." in right else 0), subscripts)
    else:
        letters = left.replace(",", "").replace(".", "")
        out = [*dots, *sorted(c for c in set(letters) if letters.count(c) == 1)]
    unknown = [x for x in out if not any(x in f for f in found)]
    if unknown or len(set(out)) != len(out):
        raise ValueError(f"einsum: expected output labels that are in the inputs, once each, received {subscripts!r}")
    return found, out


def _labels(term, rank, subscripts):
    before, dots, after = term.partition("...")
    if not all(c in string.ascii_letters for c in before + after):
        raise ValueError(f"einsum: expected letters, commas, '...' and '->', received {subscripts!r}")
    count = rank - len(before) - len(after)
    if count < 0 or (count and not dots):
        raise ValueError(f"einsum: expected {len(before + after)} axes for {term!r} in {subscripts!r}, received {rank}")
    return [*before, *range(-count, 0), *after]


def _without_repeats(x, labels):
    """A label that stands twice in one operand means its diagonal."""
    labels = list(labels)
    for label in [c for c in dict.fromkeys(labels) if labels.count(c) > 1]:
        while labels.count(label) > 1:
            i = labels.index(label)
            j = labels.index(label, i + 1)
            x = diagonal(x, 0, i, j)
            labels = [c for k, c in enumerate(labels) if k not in (i, j)] + [label]
    return x, labels


@op
def trace(x, offset=0, axis1=0, axis2=1):
    """The sum of the diagonal of two axes.

    Args:
        offset: which diagonal, 0 by default.
        axis1, axis2: the two axes, 0 and 1 by default.

    Example:
        >>> ops.trace([[1, 2], [3, 4]])
        <Tensor i32[] 5>
    """
    return sum(diagonal(x, offset, axis1, axis2), -1)


@op
def kron(x1, x2):
    """The Kronecker product.

    Example:
        >>> ops.kron([1, 10], [1, 2])
        <Tensor i32[4] [ 1  2 10 20]>
    """
    a, b = promote(x1, x2, least=int)
    rank = max(len(a.shape), len(b.shape))
    shape_a = (1,) * (rank - len(a.shape)) + tuple(a.shape)
    shape_b = (1,) * (rank - len(b.shape)) + tuple(b.shape)
    a = reshape(a, tuple(v for n in shape_a for v in (n, 1)))
    b = reshape(b, tuple(v for n in shape_b for v in (1, n)))
    return reshape(multiply(a, b), tuple(n * m for n, m in zip(shape_a, shape_b)))


@op
def cross(x1, x2, axisa=-1, axisb=-1, axisc=-1, axis=None):
    """The cross product of vectors of 3 (or 2) numbers; of two times 2, the one number that is not 0.

    Args:
        axisa, axisb, axisc: where the vectors lie in x1, x2 and the result, the last axis by default.
        axis: all three of them.

    Raises:
        ValueError: vectors of another length than 2 or 3.

    Example:
        >>> ops.cross([1, 0, 0], [0, 1, 0])
        <Tensor i32[3] [0 0 1]>
    """
    a, b = promote(x1, x2, least=int)
    axisa, axisb, axisc = (axis,) * 3 if axis is not None else (axisa, axisb, axisc)
    a, b = moveaxis(a, axisa, -1), moveaxis(b, axisb, -1)
    if a.shape[-1] not in (2, 3) or b.shape[-1] not in (2, 3):
        raise ValueError(f"cross: expected vectors of 2 or 3, received shapes {tuple(a.shape)} and {tuple(b.shape)}")
    at = lambda v, i: v[..., i] if i < v.shape[-1] else v[..., 0] * 0
    term = lambda i, j: subtract(multiply(at(a, i), at(b, j)), multiply(at(a, j), at(b, i)))
    if a.shape[-1] == b.shape[-1] == 2:
        return term(0, 1)
    return stack([term(1, 2), term(2, 0), term(0, 1)], axisc)


@op
def cdist(x, y):
    """The Euclidean distances between the rows of x and those of y.

    Example:
        >>> ops.cdist([[0.0, 0.0]], [[3.0, 4.0], [0.0, 1.0]])
        <Tensor f32[1,2] [[5. 1.]]>
    """
    a, b = promote(x, y, least=float)
    return sqrt(sum(square(subtract(expand_dims(a, -2), expand_dims(b, -3))), -1))


@op
def corrcoef(x):
    """The correlations of the rows of x.

    Example:
        >>> ops.corrcoef([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])
        <Tensor f32[2,2] [[ 1. -1.]
         [-1.  1.]]>
    """
    x = floating(x)
    x = expand_dims(x, 0) if len(x.shape) == 1 else x
    x = subtract(x, mean(x, -1, True))
    product = matmul(x, transpose(x))
    scale = sqrt(diagonal(product))
    result = product / expand_dims(scale, 1) / expand_dims(scale, 0)
    return squeeze(clip(result, -1.0, 1.0))


@op
def correlate(x1, x2, mode="valid"):
    """The cross-correlation of two vectors. mode: "valid", "same" or "full", as NumPy has them.

    Args:
        mode: "valid" (the default), "same" or "full".

    Raises:
        ValueError: another mode.

    Example:
        >>> ops.correlate([1, 2, 3], [0, 1])
        <Tensor i32[2] [2 3]>
    """
    a, b = promote(x1, x2, least=int)
    n, m = a.shape[0], b.shape[0]
    if mode not in ("valid", "same", "full"):
        raise ValueError(f"correlate: expected mode 'valid', 'same' or 'full', received {mode!r}")
    if n < m:
        return correlate(b, a, mode)[::-1]
    full = {"valid": 0, "full": m - 1, "same": m // 2}[mode]
    after = {"valid": 0, "full": m - 1, "same": m - 1 - m // 2}[mode]
    a = pad(a, ((full, after),))
    rows = stack([a[i:i + a.shape[0] - m + 1] for i in range(m)])
    return matmul(b, rows)
