"""The machine that code is made for, and two services of llvmlite: text of LLVM IR -> object file -> addresses.

Neither Numba nor llvmlite is needed where all kernels are in the cache, beside what was found out about the machine.
"""
from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import functools
import hashlib
import json
import os
import pathlib
import platform
import re
import tempfile
import threading
from dataclasses import dataclass, replace

from kgraph.codegen import linker, object_cache, packages
from kgraph.naming import nearest
from kgraph.runtime import locks

__all__ = ["Machine", "assembly", "compile_ir", "compiling_for", "implied_features", "known_names", "layout",
           "load_object", "machine", "named_machine"]


VARYING = ("processor", "cpu MHz", "bogomips", "BogoMIPS", "apicid", "initial apicid", "core id", "physical id",
           "siblings", "cpu cores", "microcode")  # what /proc/cpuinfo has beside the kind of processor


# LLVM's feature of instructions on pairs of bfloat16, by family and bytes of a vector
_PAIRS = {("x86_64", 64): "avx512bf16", **dict.fromkeys((("aarch64", 16), ("arm64", 16)), "bf16")}


@dataclass(frozen=True)
class Machine:
    """What the code generator may use.

    cpu        LLVM's name of the processor (NUMBA_CPU_NAME, else the host's)
    features   LLVM's feature text; empty where the name says all
    bytes      of the widest vector register
    registers  how many of those there are
    fused      whether it multiplies and adds in one instruction
    matrix     whether it has registers that hold matrices of bfloat16 and int8, and this process may use them
    pairs      whether it multiplies pairs of bfloat16, and adds up the products in float32, in one instruction
    little     whether memory is scarce: routines keep less beside their operands
    triple     LLVM's name of the kind of machine and its system; empty for code of this process
    """

    cpu: str
    features: str
    bytes: int
    registers: int
    fused: bool = True
    matrix: bool = False
    pairs: bool = False
    little: bool = False
    triple: str = ""

    def lanes(self, itemsize: int) -> int:
        """How many elements of that many bytes a vector holds."""
        return self.bytes // itemsize


_chosen = threading.local()  # .machine: what this thread compiles for, unless that is this process


@contextlib.contextmanager
def compiling_for(machine: Machine):
    """Inside, this thread makes code for that machine, to be linked into a library."""
    before, _chosen.machine = getattr(_chosen, "machine", None), machine
    try:
        yield
    finally:
        _chosen.machine = before


def machine() -> Machine:
    """The Machine that this thread compiles for: see `compiling_for`, else that of this process. NUMBA_CPU_NAME and
    NUMBA_CPU_FEATURES choose another than the host for all of the process.

    Raises ValueError for a name that LLVM does not know.
    """
    return getattr(_chosen, "machine", None) or _own_machine()


@functools.cache
def _own_machine() -> Machine:
    with locks.compiling:
        kept = object_cache.read(_host(), "machine")
        if kept is not None:
            found = Machine(**json.loads(kept))
            return replace(found, matrix=found.matrix and _may_use_matrices())  # which each process has to ask for
        llvm = _llvm()
        named = os.environ.get("NUMBA_CPU_NAME")
        cpu = named or llvm.get_host_cpu_name()
        features = os.environ.get("NUMBA_CPU_FEATURES", "" if named else _host_features(llvm))
        if named or "NUMBA_CPU_FEATURES" in os.environ:
            _check_names(llvm, cpu, features)
        found = _with_vectors(Machine(cpu, features, 0, 0))
        return replace(found, matrix={"+amx-bf16", "+amx-int8"} <= {*features.split(",")} and _may_use_matrices())


def _may_use_matrices() -> bool:
    """Ask Linux for AMX's registers: their state is large, so a process has to (arch_prctl(2), ARCH_REQ_XCOMP_PERM)."""
    try:
        return ctypes.CDLL(None).syscall(158, 0x1023, 18) == 0
    except (AttributeError, OSError):
        return False


def _host() -> str:
    """A hash of what the Machine of this process follows from, this file included."""
    told = [os.environ.get(name, "-") for name in ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES")]
    told.append(pathlib.Path(__file__).read_text())
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().partition("\n\n")[0].splitlines()
    except OSError:
        lines = [platform.processor()]
    told += [line for line in lines if line.partition(":")[0].strip() not in VARYING]
    return hashlib.sha256("\0".join((packages.versions(), platform.machine(), *told)).encode()).hexdigest()


def keep():
    """What was found out about this machine, for processes without llvmlite."""
    host = _host()
    if object_cache.read(host, "machine") is None:
        object_cache.write(host, json.dumps(dataclasses.asdict(_own_machine())).encode(), "machine")


@functools.cache
def named_machine(triple: str, cpu: str, features: str = "") -> Machine:
    """The Machine of that kind, system and processor, for libraries. Raises ValueError for a processor that LLVM does
    not know."""
    with locks.compiling:
        llvm = _all_targets()
        made = Machine(cpu, features, 0, 0, triple=triple)
        if "not a recognized" in _standard_error_of(lambda: _create_target_machine(llvm, made)):
            raise ValueError(f"expected a processor of {triple} that LLVM knows, received {cpu!r}")
        return _with_vectors(made)


def _with_vectors(machine: Machine) -> Machine:
    """The same with what the assembly of operations on wide vectors shows."""
    llvm = _llvm()
    probe = _create_target_machine(llvm, machine).emit_assembly(llvm.parse_assembly(_with_wide_vectors(_PROBE)))
    size, registers = (64, 32) if "zmm" in probe else (32, 16) if "ymm" in probe else (16, 16 if "xmm" in probe else 32)
    found = replace(machine, bytes=size, registers=registers, fused="fmaf" not in probe)
    feature = _PAIRS.get((_triple(machine).partition("-")[0], size))
    return replace(found, pairs=feature is not None and bool(implied_features(machine, (feature,))))


@functools.cache
def implied_features(machine: Machine, features: tuple) -> tuple:
    """Those of LLVM's features that a machine has: what may be inlined where they are not asked for."""
    with locks.compiling:
        llvm = _all_targets()
        own = _create_target_machine(llvm, machine)
        kept = 'attributes #0 = { "target-cpu"="' + machine.cpu + '" "target-features"="' + machine.features + '" }'
        text = [f'target triple = "{machine.triple}"', "@x = external global i32", kept]
        for i, f in enumerate(features):
            wanted = ",".join(filter(None, (machine.features, "+" + f)))
            text.append(f'attributes #{i + 1} = {{ "target-cpu"="{machine.cpu}" "target-features"="{wanted}" }}\n'
                        f"define internal void @f{i}() #{i + 1} {{\n  store volatile i32 {i}, ptr @x\n  ret void\n}}\n"
                        f"define void @g{i}() #0 {{\n  call void @f{i}()\n  ret void\n}}")
        module = llvm.parse_assembly("\n".join(text))
        builder = llvm.create_pass_builder(own, llvm.create_pipeline_tuning_options(speed_level=2))
        builder.getModulePassManager().run(module, builder)
        left = str(module)
    return tuple(f for i, f in enumerate(features) if f" @f{i}(" not in left)


def _check_names(llvm, cpu, features):
    """LLVM says on standard error that it does not know a name, and goes on without; then it makes code for what may be
    no machine of this kind at all, which ends the process."""
    said = _standard_error_of(lambda: _create_target_machine(llvm, Machine(cpu, features, 0, 0)))
    unknown = re.search(r"'[+-]?(.*)' is not a recognized (processor|feature)", said)
    if unknown:
        name, kind = unknown.groups()
        variable = "NUMBA_CPU_NAME" if kind == "processor" else "NUMBA_CPU_FEATURES"
        raise ValueError(f"{variable}: expected a {kind} that LLVM knows, received {name!r}."
                         f"{nearest(name, known_names()[kind])}")


@functools.cache
def known_names(triple: str = "") -> dict:
    """Names of each kind. LLVM tells them once in a process."""
    text = _standard_error_of(lambda: _create_target_machine(_all_targets(), Machine("help", "", 0, 0, triple=triple)))
    processors, _, features = text.partition("Available features")
    return {kind: re.findall(r"^  (\S+) +- ", part, re.MULTILINE)
            for kind, part in (("processor", processors), ("feature", features))}


def _standard_error_of(f) -> str:
    """What native code writes there during a call of f."""
    try:
        kept = os.dup(2)
    except OSError:  # there is none
        f()
        return ""
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            f()
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        file.seek(0)
        return file.read().decode(errors="replace")


def compile_ir(text: str, level: int = 3, chosen: Machine | None = None) -> bytes:
    """Optimise a module of LLVM IR for a machine, that of this thread by default, at a level from 0 to 3; returns its
    object file."""
    chosen = chosen or machine()
    own = _create_target_machine(_llvm(), chosen)
    return _object_of(own, _optimised(text, level, chosen, own))


def assembly(text: str) -> str:
    """The assembly that compile_ir would make: for tests, and for people."""
    own = _target_machine(machine())
    return own.emit_assembly(_optimised(text, 3, machine(), own))


def layout() -> tuple:
    """(triple, data layout) of the machine that this thread compiles for, as LLVM IR states them."""
    return _layout(machine())


def _triple(chosen: Machine) -> str:
    return chosen.triple or _llvm().get_process_triple()


@functools.cache
def _layout(chosen: Machine) -> tuple:
    return _triple(chosen), str(_target_machine(chosen).target_data)


def load_object(data: bytes, symbol: str) -> int:
    """Link an object file into this process; returns the address of its function. One thread at a time.

    Raises ValueError when the function is not in it.
    """
    found = linker.link(data, symbol)
    if found is not None:
        return found
    llvm = _llvm()
    engine = _engine()
    engine.add_object_file(llvm.ObjectFileRef.from_data(data))
    engine.finalize_object()
    address = engine.get_function_address(symbol)
    if not address:
        raise ValueError(f"expected an object file with the function {symbol}, received one without")
    return address


# a multiplication and addition of 64-byte vectors: the register names in its assembly tell the vector's width, calls of
# fmaf that there is no such instruction
_PROBE = """
declare <16 x float> @llvm.fma.v16f32(<16 x float>, <16 x float>, <16 x float>)

define void @probe(<16 x float>* %p)
{
  %x = load <16 x float>, <16 x float>* %p
  %y = call <16 x float> @llvm.fma.v16f32(<16 x float> %x, <16 x float> %x, <16 x float> %x)
  store <16 x float> %y, <16 x float>* %p
  ret void
}
"""


def _with_wide_vectors(text: str) -> str:
    """LLVM prefers 256 bits on some processors with 512; measured, the wide ones win in our loops."""
    wide = ' "prefer-vector-width"="512" "min-legal-vector-width"="512"'
    return re.sub(r"^(define .*)$", lambda m: m[1] + wide, text, flags=re.MULTILINE)


def _optimised(text: str, level: int, chosen: Machine, own):
    """The module of a text, optimised for a machine, by its target machine. Threads may do so at the same time, each
    with a target machine of its own: what LLVM changes while it works belongs to these, or to the module's context."""
    llvm = _llvm()
    module = llvm.parse_assembly(_with_wide_vectors(text), llvm.create_context())
    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=level)
    options.loop_vectorization = True
    options.slp_vectorization = False
    builder = llvm.create_pass_builder(own, options)
    _unlocked("LLVMPY_RunNewModulePassManager")(builder.getModulePassManager(), module, builder)
    if chosen.triple:
        for f in module.functions:
            if not f.is_declaration and f.linkage == llvm.Linkage.external:
                f.visibility = "hidden"  # a library shows its own functions alone
    return module


def _object_of(own, module) -> bytes:
    """The object file of an optimised module."""
    lib = _llvm().ffi.lib
    said = ctypes.c_char_p()
    buffer = _unlocked("LLVMPY_TargetMachineEmitToMemory")(own, module, 1, ctypes.byref(said))
    if not buffer:
        raise RuntimeError(f"LLVM made no object file: {(said.value or b'').decode(errors='replace')}")
    try:
        return ctypes.string_at(lib.LLVMPY_GetBufferStart(buffer), lib.LLVMPY_GetBufferSize(buffer))
    finally:
        lib.LLVMPY_DisposeMemoryBuffer(buffer)


@functools.cache
def _unlocked(name):
    """A function of llvmlite's library without the lock that it takes for every call, since LLVM needs none between
    contexts; the function as it is where llvmlite has no lock, or has it elsewhere."""
    function = getattr(_llvm().ffi.lib, name)
    return getattr(function, "_cfn", function)


@functools.cache
def _llvm():
    import llvmlite.binding as llvm
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    llvm.initialize_native_asmparser()
    return llvm


def _host_features(llvm) -> str:
    try:
        return llvm.get_host_cpu_features().flatten()
    except RuntimeError:  # LLVM does not know how to ask this processor: its name has to do
        return ""


@functools.cache
def _all_targets():
    llvm = _llvm()
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    return llvm


def _create_target_machine(llvm, machine: Machine):
    triple = machine.triple or llvm.get_process_triple()
    x86 = triple.startswith(("x86", "i686", "amd64"))
    features = machine.features
    if triple.startswith("x86_64"):
        features = ",".join(filter(None, (features, "+64bit")))  # which the names of old processors do not include
    if machine.triple:
        kind = {"reloc": "static" if triple.startswith("wasm") else "pic", "codemodel": "default",
                "abiname": "lp64d" if triple.startswith("riscv64") else ""}
    else:
        kind = {"reloc": "static" if x86 else "default", "codemodel": "jitdefault", "jit": True}
    return llvm.Target.from_triple(triple).create_target_machine(cpu=machine.cpu, features=features, opt=3, **kind)


@functools.cache
def _target_machine(chosen: Machine):
    return _create_target_machine(_llvm(), chosen)


@functools.cache
def _engine():
    """Holds all code of this process. It owns the target machine that it is given: one of its own."""
    llvm = _llvm()
    own = _create_target_machine(llvm, _own_machine())
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), own)
