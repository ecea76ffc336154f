"""Machines that code can be made for, by name, and the C compiler that links for each."""
from __future__ import annotations

import functools
import importlib.util
import os
import pathlib
import platform
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace

from kgraph.codegen import target as codegen
from kgraph.naming import nearest

__all__ = ["HOST", "Target", "Toolchain", "folder_of", "resolve", "toolchain", "web_targets"]

HOST = "host"


@dataclass(frozen=True)
class Target:
    """A machine with a name.

    family   the kind of processor, as `platform.machine()` has it
    machine  what the code generator may use
    zig      Zig's name of the kind of machine and system
    """

    name: str
    family: str
    machine: codegen.Machine
    zig: str

    @property
    def features(self) -> list:
        """What code for it needs of a processor, by the names of /proc/cpuinfo."""
        known = _FEATURES.get(self.family, {})
        return sorted(known[f] for f in codegen.implied_features(self.machine, tuple(known)))


@dataclass(frozen=True)
class _Family:
    """triple, cpu, features: LLVM's; cpus: the first letters of processor names that this family is asked for."""

    triple: str
    cpu: str
    features: str
    zig: str


FAMILIES = {
    "x86_64": _Family("x86_64-unknown-linux-gnu", "x86-64", "", "x86_64-linux-gnu"),
    "aarch64": _Family("aarch64-unknown-linux-gnu", "generic", "+neon", "aarch64-linux-gnu"),
    "riscv64": _Family("riscv64-unknown-linux-gnu", "generic-rv64", "+m,+a,+f,+d,+c", "riscv64-linux-gnu"),
}
_WASM = "+bulk-memory,+nontrapping-fptoint,+sign-ext,+mutable-globals"
_WEB = {
    "wasm32": _Family("wasm32-unknown-unknown", "generic", f"{_WASM},+simd128", "wasm32-wasi"),
    "wasm32-scalar": _Family("wasm32-unknown-unknown", "generic", _WASM, "wasm32-wasi"),
}
_OTHER_NAMES = {"x86-64": "x86_64", "amd64": "x86_64", "arm64": "aarch64", "armv8": "aarch64", "riscv": "riscv64",
                "rv64gc": "riscv64"}
# LLVM's names of what code may use, and those of /proc/cpuinfo; what all processors of a kind have is left out
_FEATURES = {
    "x86_64": {"sse3": "pni", "sse4.1": "sse4_1", "sse4.2": "sse4_2", "bmi": "bmi1", "lzcnt": "abm",
               **{f: f for f in ("ssse3", "popcnt", "avx", "avx2", "fma", "bmi2", "f16c", "movbe", "gfni", "avx512f",
                                 "avx512cd", "avx512bw", "avx512dq", "avx512vl", "avx512vbmi", "avx512ifma")},
               **{f"avx512{f}": f"avx512_{f}" for f in ("vnni", "bf16", "fp16", "vbmi2", "bitalg", "vpopcntdq")},
               "avxvnni": "avx_vnni"},
    "aarch64": {"fullfp16": "asimdhp", "dotprod": "asimddp", "lse": "atomics", "rdm": "asimdrdm", "fp16fml": "asimdfhm",
                "rcpc": "lrcpc", "complxnum": "fcma", "jsconv": "jscvt", "sve": "sve", "sve2": "sve2", "i8mm": "i8mm",
                "bf16": "bf16"},
}
# bytes and number of vector registers where LLVM shows none: pairs of scalar ones, and those of browsers' machines
_REGISTERS = {"riscv64": (8, 16), "wasm32": (16, 16), "wasm32-scalar": (8, 16)}


def resolve(name: str | None = None) -> Target:
    """The Target of that name: "host" (the default), a kind of processor (x86-64, aarch64, riscv64), or a processor
    that LLVM knows (x86-64-v3, haswell, neoverse-n1 ...).

    Raises ValueError for any other, with the nearest name.
    """
    name = HOST if name is None else str(name)
    if name == HOST:
        return _host()
    family = _OTHER_NAMES.get(name.lower(), name.lower())
    if family in FAMILIES:
        return _of_family(name, family, FAMILIES[family].cpu)
    for family in FAMILIES if name else ():  # no name is any processor for LLVM
        try:
            return _of_family(name, family, name)
        except ValueError:
            continue
    raise ValueError(f"export: expected as target {HOST}, {', '.join(FAMILIES)} or a processor that LLVM knows, "
                     f"received {name!r}.{nearest(name, _all_names())}")


def web_targets() -> list:
    """WebAssembly with vector instructions, and without."""
    return [_of_family(name, name, kind.cpu) for name, kind in _WEB.items()]


def _of_family(name: str, family: str, cpu: str) -> Target:
    kind = {**FAMILIES, **_WEB}[family]
    machine = codegen.named_machine(kind.triple, cpu, kind.features)
    if family in _REGISTERS:
        size, registers = _REGISTERS[family]
        machine = replace(machine, bytes=size, registers=registers)
    return Target(name, family, machine, kind.zig)


def _host() -> Target:
    family, own = platform.machine().lower(), codegen.machine()
    family = _OTHER_NAMES.get(family, family)
    if family not in FAMILIES or sys.platform != "linux":
        raise ValueError(f"export: expected a target for {sys.platform} on {family}, received {HOST!r}: libraries are "
                         f"made for Linux. Give one of {', '.join(FAMILIES)}")
    own = replace(own, triple=FAMILIES[family].triple, matrix=False)  # for which a process asks the system first
    return Target(HOST, family, own, FAMILIES[family].zig)


@functools.cache
def _all_names() -> list:
    """All names of processors. LLVM tells those of one kind in a process, so others are asked for each."""
    found = [HOST, *FAMILIES]
    for family in FAMILIES.values():
        text = f"from kgraph.codegen.target import known_names\nprint(*known_names({family.triple!r})['processor'])"
        made = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
        found += made.stdout.split()
    return found


# ---------------------------------------------------------------------------------------------------- the C compiler


@dataclass(frozen=True)
class Toolchain:
    """The commands of a C compiler and an archiver."""

    cc: tuple
    ar: tuple

    def run(self, command, *arguments, cwd=None):
        """Run cc or ar. Raises RuntimeError with what it says when it fails."""
        made = subprocess.run([*command, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, check=False)
        if made.returncode:
            raise RuntimeError(f"export: {shlex.join(map(str, command))} failed:\n{made.stderr.strip()}")


def toolchain(target: Target) -> Toolchain:
    """What compiles C for a target: CC or the system's compiler where the target is of the host's kind, else Zig's, of
    the package ziglang. Raises RuntimeError where there is neither."""
    own = _OTHER_NAMES.get(platform.machine().lower(), platform.machine().lower()) == target.family
    if own and sys.platform == "linux":
        named = shlex.split(os.environ.get("CC", ""))
        cc = named or next(([c] for c in ("cc", "gcc", "clang") if shutil.which(c)), [])
        if cc and shutil.which(cc[0]) and shutil.which("ar"):
            return Toolchain(tuple(cc), ("ar",))
    if importlib.util.find_spec("ziglang") is None:
        raise RuntimeError(f"export: expected a C compiler for {target.name} ({target.family}), found none: "
                           "pip install kgraph[export] brings one for all targets")
    zig = (sys.executable, "-m", "ziglang")
    return Toolchain((*zig, "cc", "-target", target.zig), (*zig, "ar"))


def folder_of(path) -> pathlib.Path:
    """The folder to export to. Raises FileExistsError for a file, or a folder with other things in it."""
    folder = pathlib.Path(path)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir()) and not (folder / "signature.json").exists()):
        raise FileExistsError(f"export: expected the name of a new folder, or of one exported before, received {path}, "
                              "which has other things in it")
    return folder
