"""class_weight: a weight for each class, turned into a weight for each sample."""
from __future__ import annotations

import numpy as np

from kgraph import tree
from kgraph.naming import nearest, warn_at_user

__all__ = ["ClassWeights"]


class ClassWeights:
    """Called with (y, sample_weight), gives the sample weights with those of the classes multiplied in.

    A class that is not mentioned weighs 1, which is said once, as is a class that the output cannot have. Raises
    ValueError for class ids in the data that are no class of the output.

    Args:
        given: {class id: weight}, or {output name: {class id: weight}}
        classes: function () -> {output name or None: number of classes, or None where not known}, in order of the
            outputs
    """

    def __init__(self, given, classes):
        if not isinstance(given, dict):
            raise ValueError(f"class_weight: expected a dict, received {given!r}")
        self.per_output = any(isinstance(v, dict) for v in given.values())
        self.given = given
        self.classes = classes
        self._said = False

    def __call__(self, y, sample_weight=None):
        if y is None:
            raise ValueError("class_weight: expected targets y to find the class of each sample in, received none")
        counts = self.classes() if self.classes else {None: None}
        targets = self._targets(y, list(counts))
        tables = self._tables(list(counts), len(targets))
        given = self._given(sample_weight, list(counts), len(targets))
        weights = [self._weigh(t, table, w, n) for t, table, w, n in
                   zip(targets, tables, given, [*counts.values(), *[None] * len(targets)])]
        if all(w is None for w in weights):
            return sample_weight
        if len(weights) == 1 and not tree.is_nested(y):
            return weights[0]
        return [np.ones(len(t), "float32") if w is None else w for w, t in zip(weights, targets)]

    def _targets(self, y, names):
        if isinstance(y, dict):
            return [y[n] for n in names if n in y] or tree.flatten(y)
        return tree.flatten(y)

    def _given(self, sample_weight, names, count):
        """The sample weights of each output, in the order of the outputs."""
        if isinstance(sample_weight, dict):
            return [sample_weight.get(name) for name in names]
        return tree.flatten(sample_weight) if tree.is_nested(sample_weight) else [sample_weight] * count

    def _tables(self, names, count):
        if not self.per_output:
            if count > 1:
                raise ValueError(f"class_weight: the model has {count} outputs: expected a dict of dicts by output "
                                 f"name ({', '.join(map(str, names))}), received {self.given!r}")
            return [self.given]
        for name in self.given:
            if name not in names:
                raise ValueError(f"class_weight: expected names of outputs ({', '.join(map(str, names))}), "
                                 f"received {name!r}.{nearest(name, names)}")
        return [self.given.get(name) for name in names]

    def _weigh(self, y, table, sample_weight, count):
        if not table:
            return sample_weight
        table = self._numbers(table)
        ids = np.asarray(y)
        if ids.ndim > 1 and ids.shape[-1] == 1:
            ids = ids[..., 0]
        elif ids.ndim > 1 and count in (None, ids.shape[-1]):  # one-hot; else an id for each step
            count = ids.shape[-1]
            ids = ids.argmax(-1)
        ids = np.rint(ids).astype("int64")
        count = 2 if count == 1 else count
        self._check(ids, table, count)
        known = np.array(sorted(table))
        at = np.searchsorted(known, ids).clip(max=len(known) - 1)
        values = np.array([table[k] for k in known], "float32")
        weights = np.where(known[at] == ids, values[at], np.float32(1))
        if sample_weight is None:
            return weights
        given = np.asarray(sample_weight)
        given = given.reshape(weights.shape) if given.size == weights.size else given
        wide = [a.reshape(a.shape + (1,) * (max(weights.ndim, given.ndim) - a.ndim)) for a in (weights, given)]
        return wide[0] * wide[1]

    def _numbers(self, table) -> dict:
        try:
            return {int(k): float(v) for k, v in table.items()}
        except (TypeError, ValueError):
            raise ValueError(f"class_weight: expected numbers, {{class id: weight}}, received {table!r}") from None

    def _check(self, ids, table, count):
        beyond = lambda i: i < 0 or (count is not None and i >= count)
        limit = f"[0, {count})" if count is not None else "0 or more"
        wrong = [i for i in (int(ids.min()), int(ids.max())) if beyond(i)]
        if wrong:
            raise ValueError(f"class_weight: expected class ids in {limit}, received {wrong[0]} in y")
        missing = sorted(set(np.unique(ids).tolist()) - set(table))
        unused = sorted(i for i in table if beyond(i))
        for said, found in (("says nothing about class {}: weight 1 is used", missing),
                            (f"names class {{}}, but expected class ids in {limit}: it has no effect", unused)):
            if found and not self._said:
                warn_at_user(f"class_weight {said.format(', '.join(map(str, found[:10])))}")
        self._said = True
