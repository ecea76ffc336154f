"""Loop nests as LLVM IR: each node in the instructions that it means. The only module that knows how control flow,
locals and memory of a nest look there; functions of the language are written by intrinsics.py and instructions.py.

Each buffer's scope is an alias scope of LLVM: it may assume that two of them never overlap, and needs no checks to
vectorise. A local that changes is a place on the stack, which LLVM's first pass turns into registers.
"""
from __future__ import annotations

from kgraph.codegen import instructions
from kgraph.codegen import llvm_ir as ir
from kgraph.codegen.intrinsics import convert, cut, to_value, while_loop, write
from kgraph.compiler.loopnest.dtypes import DTYPES, joined
from kgraph.compiler.loopnest.language import ACTIONS, COMPARISONS, signature_of
from kgraph.compiler.loopnest.nodes import (
    Buffer,
    Call,
    Do,
    For,
    If,
    Let,
    Load,
    LoopNest,
    Name,
    Number,
    Return,
    Set,
    Store,
    While,
)

__all__ = ["write_nest"]

_NAMES = {"//": "floordiv", "%": "remainder", "min": "minimum", "max": "maximum"}  # by which intrinsics know them
_EAGER = ("+", "-", "*", "&", "|", "^", "neg", "not", "and", "or", "min", "max", *COMPARISONS)  # never fail


def write_nest(builder, nest: LoopNest, values):
    """Write a nest where a builder stands, for these values of its parameters. Raises ValueError for what is not in the
    language."""
    writer = _Writer(builder, nest, values)
    writer.block(nest.body)
    writer.finish()


class _Writer:
    """Writes one nest."""

    def __init__(self, builder, nest, values):
        self.builder, self.nest = builder, nest
        self.known = dict(zip(nest.parameters, values))  # name -> value, or the pointer of a buffer
        self.places: dict = {}    # name of a local that changes -> where its value lies
        self.accesses: list = []  # (instruction, scope)
        self.done = builder.append_basic_block("done")

    def finish(self):
        """All statements are written."""
        if not self.builder.block.is_terminated:
            self.builder.branch(self.done)
        self.builder.position_at_end(self.done)
        _attach_scopes(self.builder.module, self.accesses)

    # --- statements -------------------------------------------------------------------------------------------------

    def block(self, body):
        for statement in body:
            _STATEMENTS[type(statement)](self, statement)

    def buffer(self, s):
        kind = ir.MEMORY_TYPES[s.dtype].as_pointer()
        self.known[s.name] = self.builder.inttoptr(self.value(s.address, "int64"), kind)

    def let(self, s):
        self.known[s.name] = self.value(s.value)

    def set(self, s):
        value = self.value(s.value)
        if s.name not in self.places:
            with self.builder.goto_entry_block():
                self.places[s.name] = self.builder.alloca(value.type)
        self.builder.store(value, self.places[s.name])

    def store(self, s):
        place = self.place(s.buffer, s.position)
        value = cut(self.builder, self.value(s.value, s.buffer.dtype), s.buffer.dtype)
        self.accesses.append((self.builder.store(value, place), s.buffer.scope))

    def loop(self, s):
        b = self.builder
        start, stop, step = (self.value(x, "int64") for x in (s.start, s.stop, s.step))
        before, test, body, after = (b.block, *(b.append_basic_block(n) for n in ("for", "round", "end")))
        b.branch(test)
        b.position_at_end(test)
        number = b.phi(ir.I64)
        number.add_incoming(start, before)
        b.cbranch(self.goes_on(number, stop, step, s.step), body, after)
        b.position_at_end(body)
        self.known[s.name] = number
        self.block(s.body)
        if not b.block.is_terminated:
            number.add_incoming(b.add(number, step, flags=["nsw"]), b.block)
            b.branch(test)
        b.position_at_end(after)

    def goes_on(self, number, stop, step, written):
        """Whether a round of that number is still to be done."""
        b = self.builder
        if isinstance(written, Number):
            return b.icmp_signed("<" if written.value > 0 else ">", number, stop)
        below, above = (b.icmp_signed(sign, number, stop) for sign in "<>")
        return b.select(b.icmp_signed(">", step, ir.Constant(ir.I64, 0)), below, above)

    def during(self, s):
        with while_loop(self.builder, lambda: self.value(s.test)):
            self.block(s.body)

    def when(self, s):
        test = self.value(s.test)
        if not s.otherwise:
            with self.builder.if_then(test):
                self.block(s.body)
            return
        with self.builder.if_else(test) as (then, otherwise):
            with then:
                self.block(s.body)
            with otherwise:
                self.block(s.otherwise)

    def end(self, s):
        self.builder.branch(self.done)

    # --- expressions ------------------------------------------------------------------------------------------------

    def value(self, x, dtype=None):
        """The value of an expression, in another dtype if one is given."""
        if isinstance(x, Number):
            return _constant(x, dtype or x.dtype)
        value = _EXPRESSIONS[type(x)](self, x)
        return value if dtype in (None, x.dtype) else convert(self.builder, value, x.dtype, dtype)

    def name(self, x):
        return self.builder.load(self.places[x.name]) if x.name in self.places else self.known[x.name]

    def load(self, x):
        loaded = self.builder.load(self.place(x.buffer, x.position))
        self.accesses.append((loaded, x.buffer.scope))
        return to_value(self.builder, loaded, x.buffer.dtype)

    def place(self, buffer, position):
        return self.builder.gep(self.known[buffer.name], [self.value(position, "int64")], inbounds=True)

    def call(self, x):
        b, function, dtypes = self.builder, _NAMES.get(x.function, x.function), [y.dtype for y in x.operands]
        if function in self.nest.tiles:
            return self.nest.tiles[function].write(b, *self.operands(x, ["int64"] * len(dtypes)))
        if function in ACTIONS:
            return instructions.INSTRUCTIONS[function](b, *self.operands(x, ["int64"] * len(dtypes)))
        if function in ("and", "or"):
            return self.joined(*x.operands, function)
        if function in _WORDS:
            return _WORDS[function](b, self.word(*x.operands))
        if function == "not":
            return b.not_(self.value(x.operands[0], "bool"))
        taken = [_compared(*x.operands)] * 2 if function in COMPARISONS else signature_of(function, dtypes)[0]
        return write(b, function, taken, self.operands(x, taken))

    def operands(self, x, dtypes) -> list:
        return [self.value(y, dtype) for y, dtype in zip(x.operands, dtypes)]

    def joined(self, first, second, word):
        """Two tests, of which the second is only asked where it decides, if asking could fail."""
        b = self.builder
        test = self.value(first, "bool")
        if _never_fails(second):
            return (b.and_ if word == "and" else b.or_)(test, self.value(second, "bool"))
        asked, done, before = b.append_basic_block(word), b.append_basic_block("asked"), b.block
        b.cbranch(test, *((asked, done) if word == "and" else (done, asked)))
        b.position_at_end(asked)
        other = self.value(second, "bool")
        asked = b.block
        b.branch(done)
        b.position_at_end(done)
        found = b.phi(ir.I1)
        found.add_incoming(ir.Constant(ir.I1, word == "or"), before)
        found.add_incoming(other, asked)
        return found

    def word(self, address, number):
        """A word of the arguments. They never change during a kernel, so the load may move anywhere."""
        b = self.builder
        words = b.inttoptr(self.value(address, "int64"), ir.I64.as_pointer())
        word = b.load(b.gep(words, [self.value(number, "int64")]))
        word.set_metadata("invariant.load", b.module.add_metadata([]))
        return word


_STATEMENTS = {Buffer: _Writer.buffer, Let: _Writer.let, Set: _Writer.set, Store: _Writer.store, For: _Writer.loop,
               While: _Writer.during, If: _Writer.when, Do: lambda w, s: w.value(s.call), Return: _Writer.end}
_EXPRESSIONS = {Name: _Writer.name, Load: _Writer.load, Call: _Writer.call}
_WORDS = {"word": lambda b, word: word, "real64": lambda b, word: b.bitcast(word, ir.DoubleType()),
          "real32": lambda b, word: b.fptrunc(b.bitcast(word, ir.DoubleType()), ir.FloatType())}


def _constant(x, dtype):
    kind = DTYPES[dtype].kind
    return ir.Constant(ir.LLVM_TYPES[dtype], {"float": float, "bool": bool}.get(kind, int)(x.value))


def _compared(x, y) -> str:
    """The dtype in which two numbers are compared."""
    if isinstance(x, Number) is not isinstance(y, Number):
        number, other = (x, y) if isinstance(x, Number) else (y, x)
        if not DTYPES[number.dtype].is_float and not DTYPES[other.dtype].is_float and other.dtype != "bool":
            return "int64" if DTYPES[other.dtype].kind == "int" else "uint64"
    dtype = DTYPES[joined(x.dtype, y.dtype)].compute
    if DTYPES[dtype].is_float and not (DTYPES[x.dtype].is_float or DTYPES[y.dtype].is_float):
        raise ValueError(f"expected numbers that can be compared, received {x.dtype} and {y.dtype}")
    return dtype


def _never_fails(x) -> bool:
    if isinstance(x, Call):
        return x.function in _EAGER and all(map(_never_fails, x.operands))
    return not isinstance(x, Load)


def _attach_scopes(module, accesses):
    domain = module.add_metadata(["kgraph"])
    scopes = {s: module.add_metadata([str(s), domain]) for s in sorted({s for _, s in accesses}, key=str)}
    own = {s: module.add_metadata([scopes[s]]) for s in scopes}
    others = {s: module.add_metadata([scopes[o] for o in scopes if o != s]) for s in scopes}
    for instruction, scope in accesses:
        instruction.set_metadata("alias.scope", own[scope])
        if len(scopes) > 1:
            instruction.set_metadata("noalias", others[scope])
