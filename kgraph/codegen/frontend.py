"""Loop nest -> LLVM IR, by Numba's front end. The only module that imports Numba; imported when a kernel that is not in
the cache is needed.

To Numba a kernel is a function of one statement: the nest, as an intrinsic whose instructions `nest_ir` writes while
Numba lowers the call. (Numba typing each operation of a nest took five times as long, and gave LLVM three times as much
to read.) The optimiser and the code generator are called by kgraph.codegen.target, so that code is made for the widest
vectors and in one pass. Nothing of Numba's runtime is referred to. Calls of LLVM are avoided here: they wait while
another thread is inside LLVM.
"""
from __future__ import annotations

import functools

from numba.core import cgutils, compiler, funcdesc, lowering, typed_passes, types, untyped_passes
from numba.core.codegen import CPUCodeLibrary
from numba.core.compiler_lock import global_compiler_lock
from numba.core.compiler_machinery import LoweringPass, PassManager, register_pass
from numba.core.errors import NumbaError
from numba.core.registry import cpu_target
from numba.core.typing.templates import signature
from numba.extending import intrinsic

from kgraph.codegen import instructions, target
from kgraph.codegen import llvm_ir as ir
from kgraph.codegen.intrinsics import C_LIBRARY
from kgraph.codegen.nest_ir import write_nest
from kgraph.compiler.loopnest.nodes import LoopNest

__all__ = ["KernelError", "kernel_ir"]

_C_LIBRARY = {name + end for end in ("", "f") for name in C_LIBRARY.values()}


class KernelError(ValueError):
    """A loop nest that is not in the language."""


def kernel_ir(nest: LoopNest, symbol: str) -> str:
    """LLVM IR of a nest. All that the module shows is ``symbol``: void(int64, ...).

    Raises KernelError with the nest.
    """
    function, body = _function_of(len(nest.parameters))
    library = _Library(cpu_target.target_context.codegen(), symbol)
    with global_compiler_lock:
        body.nest = nest
        try:
            compiler.compile_extra(cpu_target.typing_context, cpu_target.target_context, function,
                                   (types.int64,) * len(nest.parameters), types.none, _flags(), {}, library=library,
                                   pipeline_class=_Pipeline)
            return library.text(symbol)
        except (NumbaError, ValueError, KeyError) as error:
            raise KernelError(f"kernel {symbol}: {error}\n{nest}") from error
        finally:
            body.nest = None


class _Body:
    """The nest that is being compiled, as the statement of a function of so many parameters."""

    nest: LoopNest | None = None

    def __init__(self, count):
        def build(context, *args):
            return signature(types.none, *(types.int64,) * count), self.write
        names = ", ".join(f"a{i}" for i in range(count))
        scope = {"build": build}
        exec(f"def nest(context, {names}): return build(context, {names})", scope)
        scope["nest"] = intrinsic(scope["nest"])
        exec(f"def kernel({names}): nest({names})", scope)
        self.function = scope["kernel"]

    def write(self, context, builder, sig, values):
        write_nest(builder, self.nest, values)
        return context.get_dummy_value()


@functools.cache
def _function_of(count):
    """(function of so many int64, its statement)"""
    body = _Body(count)
    return body.function, body


@functools.cache
def _flags():
    flags = compiler.Flags()
    flags.no_compile = flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
    flags.error_model = "numpy"
    return flags


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
    """Numba's passes without those for what such a function has not: closures, arrays, names that change their type."""

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
