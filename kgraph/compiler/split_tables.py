"""What becomes of tables of which each process holds some rows, when a program is split. See kgraph.compiler.split.

In the program that is split a table is whole: `gather_rows` makes it of the rows that are held, and `own_rows` takes
the new ones out of a new table. Here what lies between is done with the rows that are held: arithmetic on them, sums
over them. Rows that a batch looks up travel from who holds them, and their gradients back. So no process has ever the
whole of a table or of its gradient, unless something else is done with it: then `gather_rows` stays.
"""
from __future__ import annotations

from kgraph.compiler import dims
from kgraph.compiler.dims import dim
from kgraph.compiler.ir import Op, Program, TensorType, Value
from kgraph.compiler.prims.collective import gather_rows_p, link, own_rows_p, rows_each, send_rows_p, take_rows_p
from kgraph.compiler.prims.rules import apply, where
from kgraph.compiler.split_rules import OWN, PART, SAME, Crosses, Held, Rows, agreed

__all__ = ["Tables"]


class Tables:
    """Tables in a program that a splitter walks through."""

    def __init__(self, splitter, program: Program):
        self.splitter = splitter
        self.sizes = {op.params["size"] for op in program.ops if op.prim.name == "gather_rows"}
        self.gradients = self._updating(program) if self.sizes else set()
        self._whole: dict = {}  # rows that are held -> the table that they are of
        self._held: dict = {}   # value with a row for each one of a table -> the rows that are held of it

    def _updating(self, program) -> set:
        """The values from which, element by element, new tables are made."""
        found = set()
        for op in reversed(program.ops):
            if op.prim.name == "own_rows":
                found.update(op.inputs)
            elif op.prim.kind == "elementwise" and op.outputs[0] in found:
                found.update(op.inputs)
        return found

    def step(self, op: Op) -> bool:
        """Do the op with the rows that are held, if that is a way."""
        name, s = op.prim.name, self.splitter
        if not self.sizes:
            return False
        if name == "gather_rows":
            s.states[op.inputs[0]] = Held(op.params["size"])
            s.now[op.outputs[0]] = op.inputs[0]
            self._whole.setdefault(op.inputs[0], None)
            return True
        states = [s.states[v] for v in op.inputs]
        if name == "own_rows":
            s.now[op.outputs[0]] = self.held(op.inputs[0])
            return True
        if name == "scatter_add" and op.outputs[0] in self.gradients and all(isinstance(x, Rows) for x in states):
            self._gradient(op)
            return True
        table = next((x for x in states if isinstance(x, Held)), None)
        rule = None if table is None else _RULES.get(name) or _RULES.get(op.prim.kind)
        return rule is not None and rule(self, op, states, table)

    # --- between a table and the rows that are held of it ---------------------------------------------------------

    def whole(self, value: Value) -> Value:
        """Rows that are held as the table that they are of; other values as they are."""
        s, state = self.splitter, self.splitter.states[value]
        if not isinstance(state, Held):
            return value
        if self._whole.get(value) is None:
            if s.inside:
                raise Crosses
            table = Value(TensorType((state.size, *value.shape[1:]), value.dtype))
            s._add(Op(gather_rows_p, (value,), {"size": state.size}, (table,), "collective"), SAME)
            self._whole[value] = table
        return self._whole[value]

    def held(self, value: Value) -> Value:
        """The rows that this process holds of a value that has one for each of a table."""
        s, state = self.splitter, self.splitter.states[value]
        if isinstance(state, Held):
            return value
        if isinstance(state, Rows) or state == OWN:
            raise Crosses
        if value not in self._held:
            found = s.sum(value)
            short = self._made_short(found)
            self._held[value] = self._cut(found) if short is None else short
        return self._held[value]

    def _made_short(self, value):
        """The same made of less: what is repeated along the rows, and arithmetic on such values."""
        op = self.splitter.maker.get(value)
        if op is None:
            return None
        repeated = op.prim.name == "broadcast" and (0 not in op.params["axes"] or op.inputs[0].shape[0] == 1)
        if repeated or op.prim.name == "full":
            shape = (rows_each(value.shape[0]), *value.shape[1:])
            return self._add(op, op.inputs, value, {**op.params, "shape": shape})
        if op.prim.kind == "elementwise" and all(self.splitter.states[v] == SAME for v in op.inputs):
            return self._add(op, [self.held(v) for v in op.inputs], value)
        return None

    def _cut(self, value):
        each = rows_each(value.shape[0])
        start = _rank() * each
        return self._add(Op(own_rows_p, (value,), {"rows": each, "start": start}, ()), (value,), value)

    def _add(self, op, inputs, like, params=None) -> Value:
        """The op on rows that are held, which gives those of a value like that; the new value."""
        out = Value(TensorType((rows_each(like.shape[0]), *like.shape[1:]), like.dtype))
        params = op.params if params is None else params
        self.splitter._add(Op(op.prim, tuple(inputs), params, (out,), op.scope), Held(like.shape[0]))
        return out

    # --- ops ------------------------------------------------------------------------------------------------------

    def _gradient(self, op):
        """Sums of the updates that all processes have for the rows held here."""
        s, (indices, updates), out = self.splitter, op.inputs, op.outputs[0]
        agreed([s.states[v] for v in op.inputs])
        size, room = op.params["size"], dims.substitute(indices.size, {"B": dim("B_all")})
        rest = updates.shape[indices.ndim:]
        places, given = Value(TensorType((room,), indices.dtype)), Value(TensorType((room, *rest), updates.dtype))
        s._add(Op(send_rows_p, op.inputs, {"sizes": (size,), "rooms": (room,)}, (places, given), op.scope), OWN)
        s.now[out] = self._add(op, (places, given), out, {"size": rows_each(size)})

    def elementwise(self, op, states, table) -> bool:
        s = self.splitter
        if any(isinstance(x, Rows) or x == OWN for x in states):
            return False
        s.now[op.outputs[0]] = self._add(op, [self.held(v) for v in op.inputs], op.outputs[0])
        return True

    def take(self, op, states, table) -> bool:
        """Rows of the table that a batch asks for."""
        s, indices = self.splitter, self.splitter.sum(op.inputs[1])
        if not isinstance(states[0], Held) or isinstance(states[1], Held) or s.inside:
            return False
        s._add(Op(take_rows_p, (op.inputs[0], indices), {"sizes": (table.size,)}, op.outputs, op.scope), states[1])
        return True

    def reduce(self, op, states, table) -> bool:
        s, (x,), axes = self.splitter, op.inputs, op.params.get("axes", (0,))
        if 0 not in axes:
            s.now[op.outputs[0]] = self._add(op, (x,), op.outputs[0])
            return True
        if op.prim.name != "sum":
            return False
        s._add(op.reading((x,)) if x.shape[0] * _count() == table.size else op.reading((self._rest_zero(x),)), PART)
        return True

    def _rest_zero(self, x):
        """The rows, zeros where they are none of the table's."""
        s, each = self.splitter, x.shape[0]
        there = max(0, min(s.states[x].size - _rank() * each, each))
        with s:
            number = apply("iota", size=each, dtype="int32")
            own = apply("less", number, apply("broadcast", apply("full", shape=(), value=there, dtype="int32"),
                                              shape=(each,), axes=()))
            return where(apply("broadcast", own, shape=x.shape, axes=(0,)), x, 0)

    def broadcast(self, op, states, table) -> bool:
        """Each row repeated."""
        out = op.outputs[0]
        if op.params["axes"][0] != 0 or out.shape[0] != table.size:
            return False
        shape = (op.inputs[0].shape[0], *out.shape[1:])
        self.splitter.now[out] = self._add(op, op.inputs, out, {**op.params, "shape": shape})
        return True

    def reshape(self, op, states, table) -> bool:
        """Each row in another shape."""
        out = op.outputs[0]
        if not out.shape or out.shape[0] != table.size:
            return False
        self.splitter.now[out] = self._add(op, op.inputs, out, {"shape": (op.inputs[0].shape[0], *out.shape[1:])})
        return True


def _count() -> int:
    return 1 if link.world is None else link.world.size


def _rank() -> int:
    return 0 if link.world is None else link.world.rank


_RULES = {"elementwise": Tables.elementwise, "take": Tables.take, "reduce": Tables.reduce,
          "broadcast": Tables.broadcast, "reshape": Tables.reshape}
