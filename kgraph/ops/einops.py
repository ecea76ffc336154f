"""`rearrange`: reshape and transpose in one, by names of axes."""
from __future__ import annotations

import re

from kgraph.compiler import dims
from kgraph.ops.core import as_size, as_tensor, op
from kgraph.ops.shape import reshape, transpose

__all__ = ["rearrange"]


def _groups(text: str) -> list:
    """``"b (h w) c"`` as [["b"], ["h", "w"], ["c"]]."""
    return [part.strip("()").split() for part in re.findall(r"\w+|\(.*?\)", text)]


@op
def rearrange(tensor, pattern, **axes_lengths):
    """The axes of a tensor split, put in another order and joined: ``"b (h k) w -> b h (w k)"``.

    Rogozhnikov, "Einops: clear and reliable tensor manipulations" (2022).

    Args:
        tensor: a tensor.
        pattern: names of the axes before and after "->"; names in parentheses share an axis, the first one slowest.
        axes_lengths: sizes of named axes; in each parenthesis before "->" at most one may be left out.

    Raises:
        ValueError: a pattern of another number of axes, or with a name that does not stand once on both sides.

    Example:
        >>> ops.rearrange(ops.zeros((2, 6, 4)), "b (h k) w -> b h (w k)", k=3).shape
        (2, 2, 12)
    """
    x = as_tensor(tensor)
    before, arrow, after = pattern.partition("->")
    given, wanted = _groups(before), _groups(after)
    if not arrow or len(given) != len(x.shape):
        raise ValueError(f"rearrange: expected a pattern with {len(x.shape)} axes before '->', received {pattern!r}")
    sizes = {}
    for group, n in zip(given, x.shape):
        sizes.update(_sizes_of(group, n, axes_lengths, pattern))
    names = [name for group in given for name in group]
    order = [name for group in wanted for name in group]
    if sorted(names) != sorted(order) or len(set(names)) != len(names):
        raise ValueError(f"rearrange: expected each name once before and once after '->', received {pattern!r}")
    x = transpose(reshape(x, tuple(sizes[name] for name in names)), [names.index(name) for name in order])
    return reshape(x, tuple(dims.size_of([sizes[name] for name in group]) for group in wanted))


def _sizes_of(group, n, lengths, pattern) -> dict:
    """name -> size of the axes into which one of size n is split."""
    known = {name: as_size(lengths[name]) for name in group if name in lengths}
    unknown = [name for name in group if name not in known]
    rest = dims.size_of(known.values())
    if len(unknown) > 1:
        raise ValueError(f"rearrange: expected sizes for all but one of {', '.join(group)}, received {pattern!r} with "
                         f"{lengths}")
    if all(isinstance(v, int) for v in (n, rest)) and (n % rest if unknown else n != rest):
        raise ValueError(f"rearrange: expected an axis that splits into {', '.join(group)} with {lengths}, received "
                         f"one of size {n}")
    return {**known, **dict.fromkeys(unknown, n // rest)}
