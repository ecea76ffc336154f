"""Attention, by the primitive of that name: `dot_product_attention`, and `attend`, which layers call."""
from __future__ import annotations

from kgraph.compiler.prims.attention import attention_p
from kgraph.compiler.trace import bind
from kgraph.config import is_flash_attention_enabled
from kgraph.ops.core import as_tensor, cast_to, op, promote, same_size, with_sizes
from kgraph.ops.elementwise import multiply
from kgraph.ops.shape import reshape

__all__ = ["attend", "dot_product_attention", "is_fused"]


def is_fused(flash_attention) -> bool | None:
    """What an argument flash_attention asks for: True, False or None; of None, what kgraph.config says."""
    return is_flash_attention_enabled() if flash_attention is None else bool(flash_attention)


@op
def dot_product_attention(query, key, value, bias=None, mask=None, scale=None, is_causal=False, flash_attention=None,
                          attn_logits_soft_cap=None):
    """softmax(query key^T * scale + bias) value, over (batch, time, heads, size); heads of key and value may be fewer.

    Raises ValueError for tensors of another rank than 4.

    Args:
        bias: added to the scores, shape broadcast to (batch, heads, query time, key time)
        mask: true where a query may see a key, shape broadcast to the same. A query that sees none gets the mean of all
            values.
        scale: by default 1 / sqrt(size)
        is_causal: a query sees the keys up to its own place only
        flash_attention: True: never hold the scores, but go over the keys block by block (Dao et al., 2022); False:
            hold them; None: as is faster, unless kgraph.config.disable_flash_attention() was called
        attn_logits_soft_cap: bounds scores c by cap * tanh(c / cap)
        query, key, value: (batch, time, heads, size); key and value may have fewer heads, a divisor of the query's.

    Raises:
        ValueError: tensors of another rank than 4.

    Example:
        >>> ops.dot_product_attention(*[ops.ones((2, 5, 4, 8))] * 3, is_causal=True).shape
        (2, 5, 4, 8)
    """
    query, key, value = promote(query, key, value, least=float)
    if any(len(v.shape) != 4 for v in (query, key, value)):
        raise ValueError("dot_product_attention: expected query, key and value of rank 4, received shapes "
                         f"{tuple(query.shape)}, {tuple(key.shape)}, {tuple(value.shape)}")
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    if not isinstance(scale, (int, float)):
        query, scale = multiply(query, cast_to(as_tensor(scale), query.dtype)), 1.0
    return attend(query, key, value, bias, mask, float(scale), is_causal, is_fused(flash_attention),
                  cap=attn_logits_soft_cap)


def attend(query, key, value, bias=None, mask=None, scale=1.0, causal=False, fused=None, rate=0.0, seed=None,
           empty="mean", cap=None):
    """As `dot_product_attention`, of tensors of rank 4 and one float dtype; those of 16 bits are computed in float32.

    Args:
        rate: the share of the weights that is dropped, drawn by the key `seed`
        empty: what a query that sees no key gets: the "mean" of all values, or "zero"
    """
    dtype = query.dtype
    if dtype not in ("float32", "float64"):
        query, key, value = (cast_to(x, "float32") for x in (query, key, value))
    (batch, steps, heads, size), (_, keys, groups, _) = query.shape, key.shape
    if groups == 0 or heads % groups:
        raise ValueError("attention: expected a number of heads of key and value that divides the query's, received "
                         f"{groups} and {heads}")
    key = with_sizes(key, (batch, keys, groups, size), "attention: key")
    value = with_sizes(value, (batch, keys, groups, value.shape[3]), "attention: value")
    shape = (batch, heads, steps, keys)
    extra = {"bias": bias if bias is None else _beside(cast_to(as_tensor(bias), query.dtype), shape, "bias"),
             "mask": mask if mask is None else _beside(cast_to(as_tensor(mask), "bool"), shape, "mask"),
             "key": seed if rate > 0 else None}
    extra = {name: x for name, x in extra.items() if x is not None}
    out, _ = bind(attention_p, query, key, value, *extra.values(), given=tuple(extra), scale=scale, causal=bool(causal),
                  rate=float(rate), empty=empty, fused=fused, cap=None if cap is None else float(cap), first=0)
    return cast_to(out, dtype)


def _beside(x, shape, what: str):
    """A tensor that broadcasts to the scores, in rank 4: its sizes of 1 stay."""
    x = reshape(x, (1,) * (4 - len(x.shape)) + tuple(x.shape)) if len(x.shape) < 4 else x
    if len(x.shape) != 4:
        raise ValueError(f"attention: expected a {what} that broadcasts to {shape}, received shape {tuple(x.shape)}")
    wide = tuple(1 if a == 1 else same_size(b, a, f"attention: {what}") for a, b in zip(x.shape, shape))
    return with_sizes(x, wide, f"attention: {what}")
