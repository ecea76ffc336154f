"""Connectionist temporal classification: labels without times against scores over time.

Graves et al., "Connectionist temporal classification" (2006). One class is the blank, mask_index.
"""
from __future__ import annotations

import numpy as np

from kgraph.compiler.ir import TensorType, Value
from kgraph.compiler.prims.host import host_p
from kgraph.compiler.trace import Tensor, bind
from kgraph.ops.activations import log_softmax
from kgraph.ops.composed import logaddexp
from kgraph.ops.contract import einsum
from kgraph.ops.core import as_tensor, cast_to, floating, op
from kgraph.ops.create import full_like, iota, zeros_like
from kgraph.ops.elementwise import add, equal, greater, less, logical_and, maximum, multiply, negative, not_equal, where
from kgraph.ops.index import one_hot, take_along_axis
from kgraph.ops.joining import concatenate, stack
from kgraph.ops.loop import scan
from kgraph.ops.reduce import argmax, cumsum, max, sum
from kgraph.ops.shape import expand_dims, reshape, squeeze

__all__ = ["ctc_decode", "ctc_loss"]

LOG_ZERO = -1e5  # stands for the logarithm of zero: far below any path, and its sums stay finite


@op
def ctc_loss(target, output, target_length, output_length, mask_index=0):
    """Minus the log-probability of the labels, summed over all their alignments, of each sample: (batch,).

    Args:
        target: class ids (batch, labels), of which target_length (batch,) count
        output: logits (batch, steps, classes), of which output_length (batch,) steps count
        target_length, output_length: how many labels and steps of each sample count, (batch,).
        mask_index: the class that is the blank, 0 by default.

    Raises:
        ValueError: other shapes.

    Example:
        >>> ops.ctc_loss([[1, 2]], ops.zeros((1, 4, 3)), [2], [4])
        <Tensor f32[1] [1.6864]>
    """
    output, labels = floating(output), cast_to(as_tensor(target), "int32")
    lengths, steps = (cast_to(as_tensor(n), "int32") for n in (target_length, output_length))
    if len(labels.shape) != 2 or len(output.shape) != 3:
        raise ValueError("ctc_loss: expected a target of shape (batch, labels) and an output of shape (batch, steps, "
                         f"classes), received {tuple(labels.shape)} and {tuple(output.shape)}")
    batch, count = labels.shape
    blank = full_like(labels[:, :1], mask_index)
    # blanks before, between and after the labels: 2 n + 1 states
    states = reshape(stack([full_like(labels, mask_index), labels], axis=-1), (batch, 2 * count))
    states = concatenate([states, blank], axis=1)
    before = concatenate([blank, blank, states[:, :-2]], axis=1)
    may_skip = logical_and(not_equal(states, mask_index), not_equal(states, before))
    emitted = einsum("btk,bsk->tbs", log_softmax(output), one_hot(states, output.shape[-1], dtype=output.dtype))
    start = where(less(iota(2 * count + 1), 2), emitted[0], LOG_ZERO)

    def step(alpha, x):
        scores, t = x
        counts = expand_dims(less(t, steps), 1)
        return where(counts, _advanced(alpha, scores, may_skip), alpha), None

    last, _ = scan(step, start, (emitted[1:], add(iota(output.shape[1] - 1), 1)))
    end = multiply(lengths, 2)
    return negative(logaddexp(_at(last, end), where(greater(end, 0), _at(last, maximum(add(end, -1), 0)), LOG_ZERO)))


def _advanced(alpha, emitted, may_skip):
    """One step: stay, come from the state before, or skip the blank before."""
    none = full_like(alpha[:, :1], LOG_ZERO)
    one = concatenate([none, alpha[:, :-1]], axis=1)
    two = concatenate([none, none, alpha[:, :-2]], axis=1)
    return add(logaddexp(logaddexp(alpha, one), where(may_skip, two, LOG_ZERO)), emitted)


def _at(alpha, position):
    return squeeze(take_along_axis(alpha, expand_dims(position, 1), axis=1), 1)


@op
def ctc_decode(inputs, sequence_lengths, strategy="greedy", beam_width=100, top_paths=1, merge_repeated=True,
               mask_index=0):
    """(labels, scores): the labels that logits (batch, steps, classes) stand for, -1 where there is none.

    Args:
        strategy: "greedy": the best class of each step, repetitions taken as one (with merge_repeated); labels (1,
            batch, steps), scores (batch, 1): minus the sum of the best logits. "beam_search": the top_paths best label
            sequences of a search that follows beam_width of them; labels (top_paths, batch, steps), scores (batch,
            top_paths): log-probabilities. A compiled graph refuses it.
        inputs: logits (batch, steps, classes).
        sequence_lengths: how many steps of each sample count, (batch,).
        beam_width, top_paths: how many sequences are followed (100), and given (1), by "beam_search".
        merge_repeated: take repetitions as one. True by default.
        mask_index: the class that is the blank, 0 by default.

    Raises:
        ValueError: another strategy.

    Example:
        >>> ops.ctc_decode(np.eye(3, dtype="float32")[[[1, 0, 2, 2]]], [4])[0]
        <Tensor i32[1,1,4] [[[ 1  2 -1 -1]]]>
    """
    x, lengths = floating(inputs), cast_to(as_tensor(sequence_lengths), "int32")
    classes = x.shape[-1]
    blank = mask_index % classes if mask_index is not None else classes - 1
    if strategy == "greedy":
        return _greedy(x, lengths, merge_repeated, blank)
    if strategy != "beam_search":
        raise ValueError(f"ctc_decode: expected strategy 'greedy' or 'beam_search', received {strategy!r}")
    search = lambda x, n: _searched(x, n, beam_width, top_paths, blank)
    if not isinstance(x, Value) and not isinstance(lengths, Value):
        return tuple(map(Tensor, search(x.numpy(), lengths.numpy())))
    batch, steps = x.shape[:2]
    types = TensorType((top_paths, batch, steps), "int32"), TensorType((batch, top_paths), x.dtype)
    part = lambda k: lambda *arrays: search(*arrays)[k]
    return tuple(bind(host_p, x, lengths, function=part(k), type=t) for k, t in enumerate(types))


def _greedy(x, lengths, merge_repeated, blank):
    steps = iota(x.shape[1])
    best = cast_to(argmax(x, axis=-1), "int32")
    counts = less(steps, expand_dims(lengths, 1))
    score = negative(sum(where(counts, max(x, axis=-1), 0), axis=1, keepdims=True))
    keep = logical_and(counts, not_equal(best, blank))
    if merge_repeated:
        first = concatenate([full_like(best[:, :1], -1), best[:, :-1]], axis=1)
        keep = logical_and(keep, not_equal(best, first))
    # each kept label moves to the place that its number among the kept ones says
    place = where(keep, add(cumsum(cast_to(keep, "int32"), axis=1), -1), -1)
    hits = equal(expand_dims(place, 1), expand_dims(steps, 1))
    moved = sum(where(hits, expand_dims(add(best, 1), 1), zeros_like(best[:1, :1])), axis=-1)
    return expand_dims(add(moved, -1), 0), score


def _searched(x, lengths, width, paths, blank):
    """The beam search on arrays: Graves, "Supervised sequence labelling with recurrent neural networks" (2012)."""
    batch, steps, _ = x.shape
    labels, scores = np.full((paths, batch, steps), -1, "int32"), np.zeros((batch, paths), x.dtype)
    top = x.max(-1, keepdims=True)
    logs = x - top - np.log(np.exp(x - top).sum(-1, keepdims=True))
    for b in range(batch):
        beams = _search_one(logs[b, :lengths[b]].astype("float64"), width, blank)
        if len(beams) < paths:
            raise ValueError(f"ctc_decode: expected top_paths of at most {len(beams)}, as many as there are sequences "
                             f"in the beam, received {paths}")
        for k, (prefix, score) in enumerate(beams[:paths]):
            labels[k, b, :len(prefix)] = prefix
            scores[b, k] = score
    return labels, scores


def _search_one(logs, width, blank):
    """[(labels, log-probability)] of one sample, the likeliest first. Of each sequence of labels two scores are kept:
    of the alignments that end in a blank, and of those that end in its last label."""
    none = -np.inf
    beams = {(): (0.0, none)}
    for step in logs:
        found: dict = {}

        def join(prefix, ends_blank, ends_label, found=found):
            a, b = found.get(prefix, (none, none))
            found[prefix] = np.logaddexp(a, ends_blank), np.logaddexp(b, ends_label)

        for prefix, (in_blank, in_label) in beams.items():
            both = np.logaddexp(in_blank, in_label)
            join(prefix, both + step[blank], in_label + step[prefix[-1]] if prefix else none)
            for c, score in enumerate(step):
                if c != blank:
                    join((*prefix, c), none, (in_blank if prefix and c == prefix[-1] else both) + score)
        best = sorted(found.items(), key=lambda item: -np.logaddexp(*item[1]))
        beams = dict(best[:width])
    return [(prefix, np.logaddexp(*ends)) for prefix, ends in beams.items()]
