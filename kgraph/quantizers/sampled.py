"""Weights rounded by what samples show of a layer's inputs: GPTQ (Frantar et al., 2022, https://arxiv.org/abs/2210.17323)
and AWQ (Lin et al., 2023, https://arxiv.org/abs/2306.00978), with the numbers of Keras 3.15.1.

Matrices are [rows, columns], a row for each input; a scale belongs to some rows of a column, a group.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Gram", "Magnitudes", "Rounded", "gptq", "awq"]

BLOCK = 128   # rows whose errors reach the rows after them together


class Gram:
    """The mean of 2 x x^T over the inputs x: how much errors of two rows of the weights matter together."""

    def __init__(self, rows):
        self.count, self.mean = 0, np.zeros((rows, rows))

    def take(self, x):
        """Add inputs, [..., rows]."""
        x = x.reshape(-1, len(self.mean)).astype("float64")
        self.count += len(x)
        if len(x):
            self.mean += (2 * (x.T @ x) - len(x) * self.mean) / self.count


class Magnitudes:
    """The largest magnitude of each input."""

    def __init__(self, rows):
        self.largest = np.zeros(rows, "float32")

    def take(self, x):
        """Add inputs, [..., rows]."""
        if x.size:
            self.largest = np.maximum(self.largest, np.abs(x.reshape(-1, len(self.largest))).max(0))


@dataclass
class Rounded:
    """What stands for a matrix: (numbers - zeros) * scales, by rows' groups, each row divided by its factor."""

    numbers: np.ndarray             # [rows, columns], from 0 to 2**bits - 1
    scales: np.ndarray              # [groups, columns]
    zeros: np.ndarray               # of that shape, up to 255
    groups: np.ndarray              # [rows]: the number of each row's group
    factors: np.ndarray | None = None   # [rows]


def _ranges(parts, bits, symmetric=False) -> tuple:
    """(scales, zeros) of [..., numbers, columns]: from the least number to the largest, in 2**bits - 1 steps."""
    top = 2 ** bits - 1
    least, most = parts.min(-2), parts.max(-2)
    if symmetric:
        most = np.maximum(np.abs(least), most)
        least = -most
    least, most = np.where(least == most, [least - 1, most + 1], [least, most])
    scales = (most - least) / least.dtype.type(top)
    zeros = np.full_like(scales, (top + 1) // 2) if symmetric else np.round(-least / scales)
    beyond = (zeros < 0) | (zeros > 255)   # a zero point that no byte holds: then zero is in the range
    if beyond.any():
        least, most = np.where(beyond, np.minimum(least, 0), least), np.where(beyond, np.maximum(most, 0), most)
        scales = (most - least) / least.dtype.type(top)
        zeros = np.round(-least / scales)
    return scales, np.nan_to_num(zeros)


def _numbers(x, scales, zeros, bits):
    return np.clip(np.round(x / scales + zeros), 0, 2 ** bits - 1)


def _working(matrix):
    return matrix.astype("float64" if matrix.dtype == np.float64 else "float32")


def gptq(matrix, statistics, bits, group, symmetric=False, per_channel=True, damping=0.01,
         by_importance=False) -> Rounded:
    """Rows are rounded one after the other, and what is lost is made good by those that follow, as far as inputs go
    together.

    Args:
        matrix: the weights
        statistics: a Gram of their inputs; None: all inputs matter alike
        bits: of a number
        group: how many rows share a scale; None: all
        symmetric: whether ranges have zero in their middle
        per_channel: whether columns have scales of their own
        damping: share of the mean of the Gram matrix's diagonal that is added to it
        by_importance: whether rows with large inputs come first
    """
    weights, rows = _working(matrix), len(matrix)
    gram = np.eye(rows) if statistics is None else statistics.mean.copy()
    places = np.arange(rows)
    gram[places, places] += np.where(gram[places, places] == 0, 1, 0)
    gram[places, places] += damping * np.trace(gram) / rows
    order = np.argsort(-np.diag(gram), kind="stable") if by_importance else places
    inverse = _inverse(gram)[np.ix_(order, order)].astype(weights.dtype)
    weights, numbers = weights[order], np.empty(weights.shape, "uint8")
    scales, zeros, group = [], [], group or rows
    for start in range(0, rows, BLOCK):
        block, stop = weights[start:start + BLOCK].copy(), min(start + BLOCK, rows)
        errors = np.empty_like(block)
        for i, row in enumerate(range(start, stop)):
            if row % group == 0:
                found = _ranges_of(weights[row:row + group], bits, symmetric, per_channel)
                scales, zeros = [*scales, found[0]], [*zeros, found[1]]
            numbers[order[row]] = number = _numbers(block[i], scales[-1], zeros[-1], bits)
            errors[i] = (block[i] - scales[-1] * (number - zeros[-1])) / inverse[row, row]
            block[i + 1:] -= np.multiply.outer(inverse[row, row + 1:stop], errors[i])
        weights[stop:] -= inverse[start:stop, stop:].T @ errors
    groups = np.empty(rows, "int64")
    groups[order] = places // group
    return Rounded(numbers, np.stack(scales), np.stack(zeros), groups)


def _inverse(gram):
    try:
        return np.linalg.inv(gram)
    except np.linalg.LinAlgError:
        raise ValueError("GPTQConfig: expected hessian_damping above 0 for samples in which inputs hang together, "
                         "received 0") from None


def _ranges_of(part, bits, symmetric, per_channel):
    if per_channel:
        return _ranges(part, bits, symmetric)
    return tuple(np.broadcast_to(v, part.shape[1:]) for v in _ranges(part.reshape(-1, 1), bits, symmetric))


def awq(matrix, statistics, group, points=20, bits=4) -> Rounded:
    """Rows with large inputs are made larger before they are rounded, and smaller afterwards: by the power of the
    inputs' largest magnitudes, between 0 and 1, that loses least.

    Args:
        matrix: the weights
        statistics: the Magnitudes of each row's inputs; None: all inputs matter alike
        group: how many rows share a scale; None: all
        points: how many powers above 0 are tried
        bits: of a number
    """
    weights = matrix.astype("float32")
    largest = np.ones(len(weights)) if statistics is None else statistics.largest
    largest = np.where(largest < 1e-8, 1, largest).astype("float32")
    best = (np.inf, None)
    for i in range(points + 1):
        factors = np.maximum(largest ** np.float32(i / points), np.float32(1e-4))
        factors = factors / max(np.sqrt(factors.max() * factors.min()), np.float32(1e-8))
        rounded = _in_groups(weights * factors[:, None], group, bits)
        rounded.factors = factors
        lost = np.square((weights - real(rounded)) * largest[:, None]).mean(dtype="float64")
        if best[1] is None or lost < best[0]:
            best = lost, rounded
    return best[1]


def _in_groups(weights, group, bits) -> Rounded:
    """Plainly rounded. The last group, where it is smaller, is filled with zeros."""
    rows = len(weights)
    group = min(group or rows, rows)
    parts = np.pad(weights, ((0, -rows % group), (0, 0))).reshape(-1, group, weights.shape[1])
    scales, zeros = _ranges(parts, bits)
    groups = np.arange(rows) // group
    return Rounded(_numbers(weights, scales[groups], zeros[groups], bits), scales, zeros, groups)


def real(rounded) -> np.ndarray:
    """The matrix that it stands for."""
    found = (rounded.numbers - rounded.zeros[rounded.groups]) * rounded.scales[rounded.groups]
    return found if rounded.factors is None else found / rounded.factors[:, None]
