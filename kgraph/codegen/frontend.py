"""Kernel language -> LLVM IR, by Numba's front end. The only module that imports Numba; imported when a kernel that is
not in the cache is needed.

Numba parses, types and lowers the function, in the few passes that the language needs; the optimiser and the code
generator are called by kgraph.codegen.target, so that code is made for the widest vectors and in one pass. Nothing of
Numba's runtime is referred to. Calls of LLVM are avoided here: they wait while another thread is inside LLVM.

Pointers `pf32(args, k)` are typed, without bounds and without negative indices. Each k is an alias scope of its own:
LLVM may assume that two of them never overlap, and needs no checks to vectorise.
"""
from __future__ import annotations

import ast
import copy
import functools
import operator

from numba.core import cgutils, compiler, funcdesc, lowering, typed_passes, types, typing, untyped_passes
from numba.core.codegen import CPUCodeLibrary
from numba.core.compiler_lock import global_compiler_lock
from numba.core.compiler_machinery import LoweringPass, PassManager, register_pass
from numba.core.cpu_options import FastMathOptions
from numba.core.datamodel import models
from numba.core.errors import NumbaError
from numba.core.registry import cpu_target
from numba.core.typeconv import Conversion
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, lower_cast, register_model

from kgraph.codegen import instructions, target
from kgraph.codegen import llvm_ir as ir
from kgraph.codegen.intrinsics import C_LIBRARY, cut, to_value, write
from kgraph.compiler.loopnest.dtypes import DTYPES, short_name
from kgraph.compiler.loopnest.language import ACTIONS, FUNCTIONS, signature_of

__all__ = ["KernelError", "kernel_ir"]



class Narrow(types.Type):
    """Numbers of a float of 16 bits, as float32: arithmetic makes float32 of them."""

    def can_convert_to(self, context, other):
        return Conversion.promote if other == types.float32 else None


_DTYPES = {name: Narrow(name) if DTYPES[name].is_narrow else getattr(types, "boolean" if name == "bool" else name)
           for name in ir.LLVM_TYPES}
_NAMES = {kind: name for name, kind in _DTYPES.items()}
_C_LIBRARY = {name + end for end in ("", "f") for name in C_LIBRARY.values()}


class KernelError(ValueError):
    """A source that is not in the kernel language."""


def kernel_ir(name: str, source: str, symbol: str | None = None, tiles=None) -> str:
    """LLVM IR of ``source``, which defines the function ``name`` of int64 parameters. ``tiles``: name -> Tile, the
    instructions that it uses beside the language.

    All that the module shows is ``symbol`` (or ``name``): void(int64, ...). Raises KernelError with the source.
    """
    namespace = dict(NAMESPACE)
    namespace.update((n, _instruction(t.operands, t.result, t.write)) for n, t in (tiles or {}).items())
    exec(compile(_rounding_down(ast.parse(source)), f"<{name}>", "exec"), namespace)
    library = _Library(cpu_target.target_context.codegen(), name)
    try:
        with global_compiler_lock:
            parameters = (types.int64,) * namespace[name].__code__.co_argcount
            compiler.compile_extra(_typing_context(), cpu_target.target_context, namespace[name], parameters,
                                   types.none, _flags(), {}, library=library, pipeline_class=_Pipeline)
        return library.text(symbol or name)
    except (NumbaError, KernelError) as error:
        raise KernelError(f"kernel {name}: {error}\n{source}") from error


class _TypingContext(typing.Context):
    """Numba's, which asks all templates for the type of a call, with a memory: kernels have the same few calls."""

    def resolve_function_type(self, func, args, kws):
        key = func, args
        if kws or key not in _calls:
            found = super().resolve_function_type(func, args, kws)
            if kws or found is None:
                return found
            _calls[key] = found
        return _calls[key]


_calls: dict = {}


@functools.cache
def _typing_context():
    context = copy.copy(cpu_target.typing_context)
    context.__class__ = _TypingContext
    return context


def _flags():
    flags = compiler.Flags()
    flags.no_compile = flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
    flags.error_model = "numpy"
    flags.fastmath = FastMathOptions(False)
    return flags


class _RoundingDown(ast.NodeTransformer):
    """// and % become calls of the language's functions: Numba's own have branches, which stop the vectoriser."""

    def visit_BinOp(self, node):
        self.generic_visit(node)
        name = {ast.FloorDiv: "floordiv", ast.Mod: "remainder"}.get(type(node.op))
        if name is None:
            return node
        return ast.copy_location(ast.Call(ast.Name(name, ast.Load()), [node.left, node.right], []), node)


def _rounding_down(tree):
    return ast.fix_missing_locations(_RoundingDown().visit(tree))


class _Lower(lowering.Lower):
    def init(self):
        super().init()
        self.context.get_abi_sizeof = lambda kind: 0  # asked of LLVM, for debug information only, which there is not


@register_pass(mutates_CFG=True, analysis_only=False)
class _Lowering(LoweringPass):
    """Typed statements to LLVM IR, which the library keeps."""

    _name = "kgraph_lowering"

    def __init__(self):
        super().__init__()

    def run_pass(self, state):
        described = funcdesc.PythonFunctionDescriptor.from_specialized_function(
            state.func_ir, state.typemap, state.return_type, state.calltypes,
            mangler=state.targetctx.mangler, inline=False, noalias=False, abi_tags=())
        with state.targetctx.push_code_library(state.library):
            _Lower(state.targetctx, state.library, described, state.func_ir, metadata=state.metadata).lower()
        state.cr = state.library
        return True


class _Pipeline(compiler.CompilerBase):
    """Numba's passes without those for what the language has not: closures, arrays, names that change their type."""

    def define_pipelines(self):
        manager = PassManager("kgraph")
        for step in (untyped_passes.TranslateByteCode, untyped_passes.FixupArgs, untyped_passes.IRProcessing,
                     typed_passes.NopythonTypeInference, _Lowering):
            manager.add_pass(step, step.__name__)
        manager.finalize()
        return [manager]


class _Library(CPUCodeLibrary):
    """Collects what Numba lowers; all optimisation is left to kgraph.codegen.target."""

    def __init__(self, codegen, name):
        super(CPUCodeLibrary, self).__init__(codegen, name)  # without the module that Numba would link it into
        self._lowered = None

    def create_ir_module(self, name):
        module = ir.Module(cgutils.normalize_ir_text(name))
        module.triple, module.data_layout = target.layout()
        return module

    def add_linking_library(self, library):
        """Numba's runtime, of which nothing is used."""

    def add_ir_module(self, ir_module):
        self._lowered = ir_module

    def text(self, symbol: str) -> str:
        """The module with a C function ``symbol`` around Numba's function; nothing else is visible from outside."""
        module = self._lowered
        _attach_scopes(module)
        body = None
        for value in list(module.globals.values()):
            if isinstance(value, ir.GlobalVariable):
                value.linkage = "internal"  # a place for Python objects, of which we use none
                value.initializer = value.initializer or ir.Constant(value.value_type, None)
            elif value.blocks:
                value.linkage = "internal"
                body = value if len(value.args) > 1 and value.args[1].name == "excinfo" else body
            elif not value.name.startswith("llvm.") and value.name not in _C_LIBRARY | instructions.SYMBOLS:
                raise KernelError(f"expected functions of the kernel language only, received {value.name}")
        _add_entry(module, body, symbol)
        return cgutils.normalize_ir_text(str(module))


def _add_entry(module, body, symbol):
    entry = ir.Function(module, ir.FunctionType(ir.VoidType(), [a.type for a in body.args[2:]]), symbol)
    builder = ir.IRBuilder(entry.append_basic_block())
    result, exception = (builder.alloca(a.type.pointee) for a in body.args[:2])
    builder.call(body, [result, exception, *entry.args])
    builder.ret_void()


# --- pointers ---------------------------------------------------------------------------------------------------------


class Pointer(types.Type):
    """A typed address that belongs to an alias scope."""

    def __init__(self, dtype: str, scope: int):
        self.dtype, self.scope = dtype, scope
        super().__init__(f"kgraph.Pointer({dtype}, {scope})")


@register_model(Pointer)
class _PointerModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, ir.MEMORY_TYPES[kind.dtype].as_pointer())


@register_model(Narrow)
class _NarrowModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, ir.LLVM_TYPES[kind.name])


@lower_cast(Narrow, types.Float)
def _widen(context, builder, source, target, value):
    return value


@infer_global(operator.getitem)
class _TypeLoad(AbstractTemplate):
    def generic(self, args, kws):
        if len(args) == 2 and isinstance(args[0], Pointer) and isinstance(args[1], types.Integer):
            return signature(_DTYPES[args[0].dtype], args[0], types.int64)
        return None


@infer_global(operator.setitem)
class _TypeStore(AbstractTemplate):
    def generic(self, args, kws):
        if len(args) == 3 and isinstance(args[0], Pointer) and isinstance(args[1], types.Integer):
            return signature(types.none, args[0], types.int64, _DTYPES[args[0].dtype])
        return None


@lower_builtin(operator.getitem, Pointer, types.Integer)
def _load(context, builder, sig, args):
    value = builder.load(builder.gep(args[0], [args[1]], inbounds=True))
    _note_scope(builder, value, sig.args[0].scope)
    return to_value(builder, value, sig.args[0].dtype)


@lower_builtin(operator.setitem, Pointer, types.Integer, types.Any)
def _store(context, builder, sig, args):
    pointer, index, value = args
    value = cut(builder, value, sig.args[0].dtype)
    _note_scope(builder, builder.store(value, builder.gep(pointer, [index], inbounds=True)), sig.args[0].scope)
    return context.get_dummy_value()


def _note_scope(builder, instruction, scope):
    """Remember it: the metadata can be written only when all scopes of the kernel are known."""
    if not hasattr(builder.module, "kgraph_scopes"):
        builder.module.kgraph_scopes = []
    builder.module.kgraph_scopes.append((instruction, scope))


def _attach_scopes(module):
    noted = getattr(module, "kgraph_scopes", [])
    domain = module.add_metadata(["kgraph"])
    scopes = {s: module.add_metadata([str(s), domain]) for s in sorted({s for _, s in noted}, key=str)}
    own = {s: module.add_metadata([scopes[s]]) for s in scopes}
    others = {s: module.add_metadata([scopes[o] for o in scopes if o != s]) for s in scopes}
    for instruction, scope in noted:
        instruction.set_metadata("alias.scope", own[scope])
        if len(scopes) > 1:
            instruction.set_metadata("noalias", others[scope])


# --- functions --------------------------------------------------------------------------------------------------------


def _require(condition, expected, *received):
    if not condition:
        raise KernelError(f"expected {expected}, received {', '.join(map(str, received))}")


def _function(name):
    """An intrinsic of Numba's from a function of the language."""
    def build(context, *args):
        plain = list(map(types.unliteral, args))
        _require(all(a in _NAMES for a in plain), f"numbers as arguments of {name}", *plain)
        try:
            dtypes, result = signature_of(name, [_NAMES[a] for a in plain])
        except ValueError as error:
            raise KernelError(str(error)) from None

        def generate(context, builder, sig, values):
            return write(builder, name, dtypes, values)
        return signature(_DTYPES[result], *(_DTYPES[d] for d in dtypes)), generate
    return _intrinsic(build, FUNCTIONS[name][0])


def _intrinsic(build, arity):
    """Numba asks for the names of parameters: build(context, *args) with so many of them."""
    names = ", ".join(["context", *(f"a{i}" for i in range(arity))])
    scope = {"build": build}
    exec(f"def named({names}): return build({names})", scope)
    return intrinsic(scope["named"])


def _pointer_at(dtype):
    def build(context, address, scope):
        _require(isinstance(scope, types.IntegerLiteral), "a literal alias scope", scope)
        kind = Pointer(dtype, scope.literal_value)

        def generate(context, builder, sig, values):
            return builder.inttoptr(values[0], ir.MEMORY_TYPES[dtype].as_pointer())
        return signature(kind, types.int64, scope), generate
    return intrinsic(prefer_literal=True)(build)


def _word_as(result, convert):
    """Reads argument word k. The words never change during a kernel, so the load may move anywhere."""
    def build(context, args, k):
        _require(isinstance(k, types.IntegerLiteral), "a literal number of an argument word", k)
        kind = result(k.literal_value)

        def generate(context, builder, sig, values):
            place = builder.gep(builder.inttoptr(values[0], ir.IntType(64).as_pointer()),
                                [ir.Constant(ir.IntType(64), k.literal_value)])
            word = builder.load(place)
            word.set_metadata("invariant.load", builder.module.add_metadata([]))
            return convert(builder, word)
        return signature(kind, types.int64, k), generate
    return intrinsic(prefer_literal=True)(build)


_OF_NUMBA = ("and", "or", "not", "neg")  # operators of Python, with brackets in the text


def _namespace():
    names = {name: _function(name) for name in FUNCTIONS if name.isidentifier() and name not in _OF_NUMBA}
    for dtype in ir.LLVM_TYPES:
        short = short_name(dtype)
        memory = ir.MEMORY_TYPES[dtype].as_pointer()
        names["p" + short] = _word_as(lambda k, dtype=dtype: Pointer(dtype, k),
                                      lambda builder, word, memory=memory: builder.inttoptr(word, memory))
        names[f"p{short}_at"] = _pointer_at(dtype)
    names["min"], names["max"] = names["minimum"], names["maximum"]  # Numba's own are functions of another module
    names["word"] = _word_as(lambda k: types.int64, lambda builder, word: word)
    names["real64"] = _word_as(lambda k: types.float64, lambda b, word: b.bitcast(word, ir.DoubleType()))
    names["real32"] = _word_as(lambda k: types.float32,
                               lambda b, word: b.fptrunc(b.bitcast(word, ir.DoubleType()), ir.FloatType()))
    for name, emit in instructions.INSTRUCTIONS.items():
        names[name] = _instruction(*ACTIONS[name], emit)
    return names


def _instruction(arity, has_result, emit):
    """An intrinsic of that many int64 arguments."""
    result = types.int64 if has_result else types.none

    def generate(context, builder, sig, values):
        value = emit(builder, *values)
        return value if has_result else context.get_dummy_value()
    return _intrinsic(lambda context, *args: (signature(result, *(types.int64,) * arity), generate), arity)


NAMESPACE = _namespace()
