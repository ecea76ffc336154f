"""A Relocatable as C: the header that people read, and the tables and functions of the model, before the runtime."""
from __future__ import annotations

import functools
import importlib.resources
import keyword
import re

from kgraph.compiler.dims import Dim, Size
from kgraph.compiler.loopnest.dtypes import DTYPES
from kgraph.export.relocatable import Relocatable, Routine
from kgraph.kernels import walk
from kgraph.runtime import executable

__all__ = ["CODES", "TYPES", "example", "header", "identifier", "sizes_text", "source"]

TYPES = {**{t.name: f"{'int' if t.kind == 'int' else 'uint'}{t.bits}_t" for t in DTYPES.values() if t.compute},
         "float32": "float", "float64": "double"}

CODES = {  # what functions return, and what it means
    "OK": "no error",
    "BAD_SIZE": "a size is negative, or does not fit the others",
    "TOO_LARGE": "a size is larger than the largest that the model was created for",
    "NO_MEMORY": "there is not enough memory",
    "BAD_INDEX": "an index in an input is outside its range",
    "BAD_PROGRAM": "there is no program of that number",
    "BAD_WEIGHTS": "the weights do not begin at a multiple of 64 bytes",
}
# of C, C++ and Python, and what <stdio.h> and its kin declare
_KEYWORDS = frozenset("""abs auto break case char class const continue default do double else enum exp extern float for
free goto if inline int log long main malloc read register remove restrict return short signed sizeof static struct
switch this time typedef union unsigned void volatile while write""".split() + keyword.kwlist)
_SHARING = ("SHARED_WORK", "WAKING_WORK", "CHUNK_WORK", "CHUNK_TILES", "CHUNKS", "TILE_SPEED", "BYTES_OF_WORK")


def identifier(name: str) -> str:
    """A C identifier for any name, which the source has not at file scope."""
    text = re.sub(r"\W", "_", name, flags=re.ASCII)
    text = text if text and not text[0].isdigit() else f"_{text}"
    return f"{text}_" if text in _KEYWORDS or text in _globals() else text


@functools.cache
def _globals() -> frozenset:
    """What the sources declare at file scope."""
    text = _runtime() + _PREFACE + _CREATE + _MAIN
    for _ in range(3):  # parameters, and what is in parentheses among them
        text = re.sub(r"\([^()]*\)", "", text)
    patterns = (r"^static ([^\[{=;\n]+)", r"^typedef ([^\[{=;\n]+)", r"^} (\w+);", r"^# *define (\w+)")
    declared = [re.findall(r"\w+", found) for p in patterns for found in re.findall(p, text, re.MULTILINE)]
    return frozenset(words[-1] for words in declared if words) | {"functions", "programs", "regions"}


@functools.cache
def _runtime() -> str:
    return importlib.resources.files("kgraph.export").joinpath("runtime.c").read_text()


def size_names(made: Relocatable) -> list:
    """The parameters for the open sizes."""
    return ["batch" if n == "B" else identifier(n) for n in made.dims]


# ---------------------------------------------------------------------------------------------------- the header


def header(made: Relocatable, name: str, about: str, static_bytes: int | None = None) -> str:
    """``NAME.h``."""
    guard, sizes = f"{name.upper()}_H", size_names(made)
    largest = "".join(f", int64_t {n}" for n in sizes)
    codes = "\n".join(f"    {name.upper()}_{code} = {i}{',' if i < len(CODES) - 1 else ' '} /* {text} */"
                      for i, (code, text) in enumerate(CODES.items()))
    static = "" if static_bytes is None else (
        f"/* All memory of the model: one block, there from the start. There is one model at a time. */\n"
        f"#define {name.upper()}_ARENA_BYTES {static_bytes}\n\n")
    runs = "\n".join(_run_text(made, routine, name, i) for i, routine in enumerate(made.routines))
    return _HEADER.format(name=name, upper=name.upper(), guard=guard, about=about, codes=codes, static=static,
                          runs=runs, largest=largest, sizes=", ".join(sizes) or "none: all sizes are fixed")


def _run_text(made, routine: Routine, name: str, number: int) -> str:
    lines = [f"/* Program {number}, {routine.name}. Arrays are contiguous, the last axis varies fastest.", ""]
    for kind, arrays in (("input ", routine.inputs), ("output", routine.outputs)):
        lines += [f"     {kind} {a.name}: {a.dtype} [{', '.join(map(_shape_text, a.shape))}]" for a in arrays]
    if any("float16" in a.dtype for a in (*routine.inputs, *routine.outputs)):
        lines.append("     float16 and bfloat16 are their bits")
    if routine.logs:
        lines.append(f"     logs: {', '.join(routine.logs)}")
    return "\n".join(lines) + f"\n*/\n{name.upper()}_API {_prototype(made, routine, name)};\n"


def _shape_text(n: Size) -> str:
    text = str(n)
    return re.sub(r"\bB\b", "batch", text)


def _prototype(made, routine: Routine, name: str) -> str:
    parameters = [f"{name} *model", *(f"int64_t {n}" for n in size_names(made))]
    parameters += [f"const {TYPES[a.dtype]} *{n}" for a, n in zip(routine.inputs, _parameters(routine))]
    parameters += [f"{TYPES[a.dtype]} *{n}"
                   for a, n in zip(routine.outputs, _parameters(routine)[len(routine.inputs):])]
    return f"int {name}_{routine.name}({', '.join(parameters)})"


def _parameters(routine: Routine) -> list:
    """A name for each input and output, all different."""
    found: list = []
    for kind, arrays in (("in", routine.inputs), ("out", routine.outputs)):
        for i, _ in enumerate(arrays):
            found.append(f"{kind}put" if len(arrays) == 1 else f"{kind}put_{i}")
    return found


_HEADER = '''/* {about}

   A {name} is a model with memory of its own, made for sizes up to the ones given. Its weights are shared by all.
   Functions return {upper}_OK or another of the codes below. A model may be used by several threads: calls wait for one
   another; several models run at the same time. Running takes no memory from the system.
   Sizes: {sizes}. */
#ifndef {guard}
#define {guard}
#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

#ifndef {upper}_API
#if defined(__GNUC__)
#define {upper}_API __attribute__((visibility("default")))
#else
#define {upper}_API
#endif
#endif

{static}typedef struct {name}_handle {name};

enum {{
{codes}
}};

/* Make a model for sizes up to these. threads: how many take part in a call, the caller's own among them. */
{upper}_API int {name}_create({name} **model{largest}, int threads);

/* The same with weights from elsewhere (the contents of weights.bin, at a multiple of 64 bytes, while the model lives),
   and the sizes as an array. */
{upper}_API int {name}_create_from({name} **model, const void *weights, const int64_t *sizes, int threads);

{upper}_API void {name}_destroy({name} *model);

{runs}
/* The same by number: sizes, inputs and outputs in the order above. */
{upper}_API int {name}_run({name} *model, int program, const int64_t *sizes, const void *const *inputs,
    void *const *outputs);

/* The shape of an input (output = 0) or output (output = 1) for these sizes, up to 16 numbers; returns how many there
   are, or -1 where there is no such array. */
{upper}_API int {name}_shape(int program, int output, int index, const int64_t *sizes, int64_t *shape);

/* What the programs write and keep from call to call, states of recurrent layers and trained weights, is again as it
   was exported. */
{upper}_API void {name}_reset({name} *model);

/* The metrics of training begin anew: their logs are means over the calls since then. */
{upper}_API void {name}_reset_metrics({name} *model);

/* The memory of a weight or state by number, and its size in bytes; null where there is none of that number. Those that
   no program writes are shared and must not be written. */
{upper}_API void *{name}_state({name} *model, int number, int64_t *bytes);

/* What a code means. */
{upper}_API const char *{name}_message(int code);

#ifdef __cplusplus
}}
#endif
#endif
'''


# ---------------------------------------------------------------------------------------------------- the source


def source(made: Relocatable, name: str, symbols: list, team: dict, static_memory: bool = False) -> str:
    """``NAME.c``. symbols: of made.functions; team: {name: symbol} of the executor's functions, `alone` or all."""
    declared = [f"extern void {symbol}({_parameters_of(f)});" for f, symbol in zip(made.functions, symbols)]
    parts = [_PREFACE.format(name=name, upper=name.upper(), **_totals(made), dims=len(made.dims),
                             threads=int("run" in team), static_memory=int(static_memory),
                             sharing="\n".join(f"#define {c} {getattr(executable, c)}" for c in _SHARING),
                             team=_team_text(team), codes="".join(f'"{text}", ' for text in CODES.values()))]
    parts += declared
    parts.append(_table("function", "functions", [f"(function){symbol}" for symbol in symbols]))
    parts.append(_table("region", "regions", [f"{{{r.offset}, {r.contents.nbytes}, {int(r.mutable)}}}"
                                              for r in made.regions], "{0, 0, 0}"))
    for i, routine in enumerate(made.routines):
        parts += _routine_tables(made, routine, i)
    parts.append(_table("program", "programs", [_program(made, r, i) for i, r in enumerate(made.routines)]))
    parts.append(_runtime())
    parts += [_typed(made, name), *(_typed_run(made, r, name, i) for i, r in enumerate(made.routines))]
    return "\n".join(parts)


def _totals(made: Relocatable) -> dict:
    return {"regions": len(made.regions), "programs": len(made.routines), "functions": len(made.functions),
            "most_sizes": max(len(r.sizes) for r in made.routines)}


def _parameters_of(function) -> str:
    """Those of a function; a machine such as WebAssembly's calls by their number."""
    return ", ".join(["int64_t"] * len(function.nest.parameters))


def _team_text(team: dict) -> str:
    declared = "".join(f"extern void {symbol}({_parameters_of(walk.function(name))});\n"
                       for name, symbol in team.items())
    named = {"RUN_ALONE": team["alone"], "ALONE": f"ADDRESS({team['alone']})", "EXECUTE": "0"}
    if "run" in team:
        named.update(EXECUTE=f"ADDRESS({team['execute']})", RUN=team["run"], HELP=team["help"], END=team["end"])
    return declared + "\n".join(f"#define {k} {v}" for k, v in named.items())


def _table(kind: str, name: str, items: list, empty: str = "0") -> str:
    lines, line = [], "   "
    for item in items or [empty]:
        if len(line) + len(item) > 118:
            lines.append(line)
            line = "   "
        line += f" {item},"
    return f"static const {kind} {name}[] = {{\n" + "\n".join([*lines, line]) + "\n};"


def _routine_tables(made, r: Routine, i: int) -> list:
    """The tables of one program, numbered i."""
    moving = [w for w, (base, _) in enumerate(r.words) if base >= made.first_slot + len(r.slots)]
    entries = [f"{{{e.function}, {e.words}, {e.extent}, {e.work}, {e.bytes}, {e.scratch}, {e.grain}, {e.native}}}"
               for e in r.entries]
    copies = [f"{{{output}, {base}, {size}, {r.size(r.outputs[output].nbytes)}}}" for output, base, size in r.copies]
    arrays = [f"{{{len(a.shape)}, {{{', '.join(str(r.size(n)) for n in a.shape) or 0}}}}}"
              for a in (*r.inputs, *r.outputs)]
    return [
        f"/* {r.name} */",
        _table("word", f"words_{i}", [f"{{{base}, {size}}}" for base, size in r.words], "{0, 0}"),
        _table("uint32_t", f"moves_{i}", list(map(str, moving))),
        _table("entry", f"entries_{i}", entries, "{0, 0, 0, 0, 0, 0, 1, 0}"),
        _table("uint32_t", f"slots_{i}", list(map(str, r.slots))),
        _table("copy", f"copies_{i}", copies, "{0, 0, 0, 0}"),
        _table("rule", f"rules_{i}", [f"{{{kind}, {a}, {b}}}" for kind, a, b, _ in r.rules], "{0, 0, 0}"),
        _table("array", f"arrays_{i}", arrays, "{0, {0}}"),
        sizes_text(made, r, i)]


def sizes_text(made: Relocatable, r: Routine, i: int) -> str:
    """The function that computes all sizes of a program: numbers from a table, polynomials as they are."""
    constants, lines = [], []
    names = {n: f"d[{k}]" for k, n in enumerate(made.dims)}
    for size, number in r.sizes.items():
        constants.append("0" if isinstance(size, Dim) else _number(size))
        if isinstance(size, Dim):
            lines.append(f"    s[{number}] = {_expression(size, names)};")
    return (_table("int64_t", f"constants_{i}", constants)
            + f"\nstatic void sizes_{i}(const int64_t *d, int64_t *s)\n{{\n    (void)d;\n"
            + f"    memcpy(s, constants_{i}, sizeof constants_{i});\n" + "\n".join(lines) + "\n}")


def _number(n: int) -> str:
    return f"{n}" if abs(n) < 2**31 else "INT64_MIN" if n == -2**63 else f"INT64_C({n})"


def _expression(size: Size, names: dict) -> str:
    if not isinstance(size, Dim):
        return _number(size)
    terms = []
    for monomial, factor in size.terms.items():
        atoms = [names[a] if isinstance(a, str) else _atom(a, names) for a in monomial]
        if factor != 1 or not atoms:
            atoms.insert(0, _number(factor))
        terms.append(" * ".join(atoms))
    return " + ".join(terms)


def _atom(atom: tuple, names: dict) -> str:
    kind, a, b = atom
    function = {"//": "floor_quotient", "%": "floor_rest", "max": "maximum"}[kind]
    return f"{function}({_expression(a, names)}, {_expression(b, names)})"


def _program(made, r: Routine, i: int) -> str:
    moving = sum(base >= made.first_slot + len(r.slots) for base, _ in r.words)
    bases = made.first_slot + len(r.slots) + len(r.inputs) + len(r.outputs)
    counts = [len(r.sizes), bases, len(r.words), moving, len(r.entries), len(r.slots), len(r.copies), len(r.rules),
              len(r.inputs), len(r.outputs)]
    tables = [f"{t}_{i}" for t in ("words", "moves", "entries", "slots", "copies", "rules", "arrays", "sizes")]
    return f"{{{', '.join(map(str, counts))}, {', '.join(tables)}}}"


def _typed(made, name: str) -> str:
    sizes = size_names(made)
    return _CREATE.format(name=name, upper=name.upper(), largest="".join(f", int64_t {n}" for n in sizes),
                          sizes=", ".join(sizes) or "0")


def _typed_run(made, r: Routine, name: str, i: int) -> str:
    given = _parameters(r)
    inputs, outputs = given[:len(r.inputs)], given[len(r.inputs):]
    return (f"{name.upper()}_API {_prototype(made, r, name)}\n{{\n"
            f"    const int64_t sizes[] = {{{', '.join(size_names(made)) or '0'}}};\n"
            f"    const void *const inputs[] = {{{', '.join(inputs) or '0'}}};\n"
            f"    void *const outputs[] = {{{', '.join(outputs) or '0'}}};\n"
            f"    return {name}_run(model, {i}, sizes, inputs, outputs);\n}}\n")


_PREFACE = '''/* Made by kgraph: the tables of the model, then the runtime. See {name}.h. */
#ifndef WEIGHTS_INSIDE
#define WEIGHTS_INSIDE 1  /* 0: without {name}_create, only {name}_create_from */
#endif
#define THREADS {threads}
#define STATIC_MEMORY {static_memory}
#if THREADS
#define _GNU_SOURCE  /* of processors */
#include <pthread.h>
#include <sched.h>
#endif
#include "{name}.h"
#include <string.h>

#define MODEL(x) {name}_##x
#define MODEL_CODE(x) {upper}_##x
#define MODEL_API {upper}_API
#define STATIC_BYTES {upper}_ARENA_BYTES
#define TOTAL_DIMS {dims}
#define TOTAL_REGIONS {regions}
#define TOTAL_PROGRAMS {programs}
#define TOTAL_FUNCTIONS {functions}
#define MOST_SIZES {most_sizes}
{sharing}

{team}

static const char *const messages[] = {{{codes}}};

typedef void (*function)(void);
typedef struct {{ uint32_t base, size; }} word;
typedef struct {{ uint32_t function, first, extent, work, bytes, scratch; int32_t grain; uint32_t native; }} entry;
typedef struct {{ uint32_t output, base, size, bytes; }} copy;
typedef struct {{ uint32_t kind, a, b; }} rule;
typedef struct {{ uint32_t rank, size[16]; }} array;
typedef struct {{ int64_t offset, bytes; int is_mutable; }} region;
typedef struct {{
    uint32_t sizes, bases, words, moving, entries, slots, copies, rules, inputs, outputs;
    const word *word;
    const uint32_t *moves;
    const entry *entry;
    const uint32_t *slot;
    const copy *copied;
    const rule *rule;
    const array *array;
    void (*fill)(const int64_t *, int64_t *);
}} program;

static inline int64_t floor_quotient(int64_t a, int64_t b)
{{
    return b ? a / b - (a % b != 0 && (a % b < 0) != (b < 0)) : 0;
}}
static inline int64_t floor_rest(int64_t a, int64_t b) {{ return a - b * floor_quotient(a, b); }}
static inline int64_t maximum(int64_t a, int64_t b) {{ return a > b ? a : b; }}
'''

_CREATE = '''
#if WEIGHTS_INSIDE
extern const unsigned char {name}_weights[] __attribute__((visibility("hidden")));

{upper}_API int {name}_create({name} **model{largest}, int threads)
{{
    const int64_t sizes[] = {{{sizes}}};
    return {name}_create_from(model, {name}_weights, sizes, threads);
}}
#endif
'''


def example(made: Relocatable, name: str) -> str:
    """``main.c``: reads numbers, prints predictions."""
    r = made.routines[0]
    given = _parameters(r)
    arrays, reads, prints = [], [], []
    for k, (a, n) in enumerate(zip((*r.inputs, *r.outputs), given)):
        is_output, index = int(k >= len(r.inputs)), k - (len(r.inputs) if k >= len(r.inputs) else 0)
        arrays.append(f"    {TYPES[a.dtype]} *{n} = make({k}, {is_output}, {index}, sizeof *{n});")
        line = f"count[{k}]"
        if is_output:
            prints.append(f'        for (long i = 0; i < {line}; i++)\n            '
                          f'printf("%.9g%c", (double){n}[i], i + 1 < {line} ? \' \' : \'\\n\');')
        else:
            reads.append(f"        for (long i = 0; i < {line}; i++) {{\n            double x;\n"
                         f'            if (scanf("%lf", &x) != 1)\n                return done(model, 0);\n'
                         f"            {n}[i] = ({TYPES[a.dtype]})x;\n        }}")
    sizes = ["1" for _ in made.dims]
    return _MAIN.format(name=name, upper=name.upper(), arrays="\n".join(arrays), reads="\n".join(reads),
                        prints="\n".join(prints), given=", ".join(given), total=len(given),
                        sizes=", ".join(sizes) or "0", ones="".join(f"{s}, " for s in sizes), routine=r.name,
                        many="\n".join(f"     {a.name}: {a.dtype} [{', '.join(map(_shape_text, a.shape))}]"
                                       for a in r.inputs))


_MAIN = '''/* Reads numbers, one sample after the other, until there are no more; prints what the model gives for each.

{many}

   cc main.c -I. -Llib -l{name} -lm -lpthread -o main && echo 1 2 3 ... | ./main */
#include <stdio.h>
#include <stdlib.h>
#include "{name}.h"

static const int64_t sizes[] = {{{sizes}}};  /* one sample at a time; every other open size is 1, too */

static void *memory[{total}];
static long count[{total}];  /* of numbers in each array */

static void *make(int k, int output, int index, size_t item)
{{
    int64_t shape[16];
    int rank = {name}_shape(0, output, index, sizes, shape);
    count[k] = 1;
    for (int i = 0; i < rank; i++)
        count[k] *= (long)shape[i];
    return memory[k] = calloc((size_t)count[k] + 1, item);
}}

static int done({name} *model, int code)
{{
    if (code)
        fprintf(stderr, "{name}: %s\\n", {name}_message(code));
    {name}_destroy(model);
    for (int k = 0; k < {total}; k++)
        free(memory[k]);
    return code;
}}

int main(void)
{{
    {name} *model;
{arrays}
    int code = {name}_create(&model, {ones}1);
    if (code)
        return done(0, code);
    for (;;) {{
{reads}
        code = {name}_{routine}(model, {ones}{given});
        if (code)
            return done(model, code);
{prints}
    }}
}}
'''
