"""The machine that code is made for, and two services of llvmlite: text of LLVM IR -> object file -> addresses.

Numba is not needed here: a process whose kernels are all in the cache loads them with llvmlite alone.
"""
from __future__ import annotations

import functools
import os
import re
import tempfile
from dataclasses import dataclass

from kgraph.naming import nearest
from kgraph.runtime import locks

__all__ = ["Machine", "assembly", "compile_ir", "load_object", "machine"]


@dataclass(frozen=True)
class Machine:
    """What the code generator may use.

    cpu        LLVM's name of the processor (NUMBA_CPU_NAME, else the host's)
    features   LLVM's feature text; empty where the name says all
    bytes      of the widest vector register
    registers  how many of those there are
    """

    cpu: str
    features: str
    bytes: int
    registers: int

    def lanes(self, itemsize: int) -> int:
        """How many elements of that many bytes a vector holds."""
        return self.bytes // itemsize


@functools.cache
def machine() -> Machine:
    """The Machine of this process. NUMBA_CPU_NAME and NUMBA_CPU_FEATURES choose another than the host.

    Raises ValueError for a name that LLVM does not know.
    """
    with locks.compiling:
        llvm = _llvm()
        named = os.environ.get("NUMBA_CPU_NAME")
        cpu = named or llvm.get_host_cpu_name()
        features = os.environ.get("NUMBA_CPU_FEATURES", "" if named else _host_features(llvm))
        if named or "NUMBA_CPU_FEATURES" in os.environ:
            _check_names(llvm, cpu, features)
        probe = _create_target_machine(llvm, cpu, features).emit_assembly(
            llvm.parse_assembly(_with_wide_vectors(_PROBE)))
    size, registers = (64, 32) if "zmm" in probe else (32, 16) if "ymm" in probe else (16, 16 if "xmm" in probe else 32)
    return Machine(cpu, features, size, registers)


def _check_names(llvm, cpu, features):
    """LLVM says on standard error that it does not know a name, and goes on without; then it makes code for what may be
    no machine of this kind at all, which ends the process."""
    said = _standard_error_of(lambda: _create_target_machine(llvm, cpu, features))
    unknown = re.search(r"'[+-]?(.*)' is not a recognized (processor|feature)", said)
    if unknown:
        name, kind = unknown.groups()
        variable = "NUMBA_CPU_NAME" if kind == "processor" else "NUMBA_CPU_FEATURES"
        raise ValueError(f"{variable}: expected a {kind} that LLVM knows, received {name!r}."
                         f"{nearest(name, _known_names()[kind])}")


@functools.cache
def _known_names() -> dict:
    """Names of each kind. LLVM tells them once in a process."""
    text = _standard_error_of(lambda: _create_target_machine(_llvm(), "help", ""))
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


def compile_ir(text: str, level: int = 3) -> bytes:
    """Optimise a module of LLVM IR for this machine, at a level from 0 to 3; returns its object file."""
    return _target_machine().emit_object(_optimised(text, level))


def assembly(text: str) -> str:
    """The assembly that compile_ir would make: for tests, and for people."""
    return _target_machine().emit_assembly(_optimised(text))


def load_object(data: bytes, symbol: str) -> int:
    """Link an object file into this process; returns the address of its function. One thread at a time.

    Raises ValueError when the function is not in it.
    """
    llvm = _llvm()
    engine = _engine()
    engine.add_object_file(llvm.ObjectFileRef.from_data(data))
    engine.finalize_object()
    address = engine.get_function_address(symbol)
    if not address:
        raise ValueError(f"expected an object file with the function {symbol}, received one without")
    return address


# an addition of 64-byte vectors: the register names in its assembly tell the vector's width
_PROBE = """
define void @probe(<16 x float>* %p)
{
  %x = load <16 x float>, <16 x float>* %p
  %y = fadd <16 x float> %x, %x
  store <16 x float> %y, <16 x float>* %p
  ret void
}
"""


def _with_wide_vectors(text: str) -> str:
    """LLVM prefers 256 bits on some processors with 512; measured, the wide ones win in our loops."""
    wide = ' "prefer-vector-width"="512" "min-legal-vector-width"="512"'
    return re.sub(r"^(define .*)$", lambda m: m[1] + wide, text, flags=re.MULTILINE)


def _optimised(text: str, level: int = 3):
    llvm = _llvm()
    module = llvm.parse_assembly(_with_wide_vectors(text))
    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=level)
    options.loop_vectorization = True
    options.slp_vectorization = False
    builder = llvm.create_pass_builder(_target_machine(), options)
    builder.getModulePassManager().run(module, builder)
    return module


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


def _create_target_machine(llvm, cpu, features):
    triple = llvm.get_process_triple()
    x86 = triple.startswith(("x86", "i686", "amd64"))
    if triple.startswith("x86_64"):
        features = ",".join(filter(None, (features, "+64bit")))  # which the names of old processors do not include
    return llvm.Target.from_triple(triple).create_target_machine(
        cpu=cpu, features=features, opt=3, reloc="static" if x86 else "default", codemodel="jitdefault", jit=True)


@functools.cache
def _target_machine():
    return _create_target_machine(_llvm(), machine().cpu, machine().features)


@functools.cache
def _engine():
    """Holds all code of this process. It owns the target machine that it is given: one of its own."""
    llvm = _llvm()
    own = _create_target_machine(llvm, machine().cpu, machine().features)
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), own)
