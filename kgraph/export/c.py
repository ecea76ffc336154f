"""format="c": a library with a C header, weights and kernels inside, which needs nothing but libc and libm."""
from __future__ import annotations

import os
import pathlib
import shutil
import tempfile
from dataclasses import dataclass, replace

from kgraph.codegen import functions
from kgraph.codegen.target import compiling_for
from kgraph.export import c_source, steps, targets
from kgraph.export.manifest import write_manifest
from kgraph.export.relocatable import Relocatable
from kgraph.kernels import walk

__all__ = ["build_library", "emit", "export_c"]

_WEIGHTS = '''    .section .rodata
    .balign 64
    .globl {name}_weights
    .hidden {name}_weights
    .type {name}_weights, %object
{name}_weights:
    .incbin "weights.bin"
    .size {name}_weights, . - {name}_weights
    .section .note.GNU-stack, "", %progbits
'''
_CFLAGS = ("-std=c11", "-O2", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-ffunction-sections")


def export_c(model, path, input_signature=None, target=None, name=None, threads=True, static_memory=False, batch=1,
             which="predict", data=None):
    """Write a folder with a C library of the model.

    path      a new folder, or one that was exported before, which is replaced
    input_signature   the inputs; see kgraph.export.signature.signature_of
    target    "host" (the default), "aarch64", "riscv64", "x86-64-v3" or another processor that LLVM knows
    name      what functions and files are called; default: the folder's name
    threads   False: a library that never makes threads
    static_memory   True: a library that takes no memory from the system. There is one model at a time, in a block of
              NAME_ARENA_BYTES, as the header states, for ``batch`` rows and 1 for each other open size; and no threads
    batch     rows of the largest batch, with static_memory
    which     "train": also the training step of a compiled model, with its optimizer; default: "predict"
    data      (x, y) of a batch, where inputs and losses do not say what the training step takes

    In the folder: NAME.h, the documented functions; lib/libNAME.a and lib/libNAME.so; main.c, an example;
    NAME.c, weights.bin, weights.S and kernels/, what the libraries are made of, and CMakeLists.txt, which makes them
    anew. The C compiler is CC or the system's, for other targets that of the package ziglang.

    Raises ValueError for a target that does not exist and a model that cannot leave Python, FileExistsError for a
    folder with other things in it, RuntimeError without a C compiler for the target.
    """
    folder = targets.folder_of(path)
    chosen = targets.resolve(target)
    tools = targets.toolchain(chosen)
    if static_memory:
        chosen = replace(chosen, machine=replace(chosen.machine, little=True))
    name = c_source.identifier(name or folder.resolve().stem)
    exported = steps.steps_of(model, which, input_signature, data)
    options = Options(threads and not static_memory, batch if static_memory else None)
    with steps.metrics_reset(model, exported) as metrics, new_folder(folder) as new:
        made = emit(exported, metrics, chosen, new, name, model.name, options)
        build_library(new, name, tools, options)
        write_manifest(new, made, name, model, [library_entry(f"lib/lib{name}.so", chosen)])


@dataclass(frozen=True)
class Options:
    """threads: whether there may be several; static_batch: the largest batch, where memory is static, else None."""

    threads: bool = True
    static_batch: int | None = None


def library_entry(file: str, target: targets.Target) -> dict:
    """What signature.json says of a library."""
    return {"file": file, "processor": target.machine.cpu, "family": target.family, "features": target.features}


def emit(exported: dict, metrics, target: targets.Target, folder: pathlib.Path, name: str, about: str,
         options: Options) -> Relocatable:
    """Write all that a library is made of into a folder."""
    with compiling_for(target.machine):
        made = Relocatable(exported, metrics)
        team = {n: walk.function(n) for n in (walk.ROUTINES if options.threads else ("alone",))}
        code = functions.objects([*made.functions, *team.values()])
        symbols = {f.key: f.symbol(f.key) for f in (*made.functions, *team.values())}
        called, team = [symbols[f.key] for f in made.functions], {n: symbols[f.key] for n, f in team.items()}
    kernels = folder / "kernels"
    kernels.mkdir()
    for symbol, contents in code.items():
        (kernels / f"{symbol}.o").write_bytes(contents)
    static = None if options.static_batch is None else made.arena_bytes(options.static_batch)
    (folder / f"{name}.h").write_text(c_source.header(made, name, f"The model {about!r}, made by kgraph.", static))
    (folder / f"{name}.c").write_text(c_source.source(made, name, called, team, static is not None))
    (folder / "weights.bin").write_bytes(made.weights())
    (folder / "weights.S").write_text(_WEIGHTS.format(name=name))
    (folder / "main.c").write_text(c_source.example(made, name))
    (folder / "CMakeLists.txt").write_text(_CMAKE.format(name=name, threads=int(options.threads)))
    return made


def build_library(folder: pathlib.Path, name: str, tools: targets.Toolchain, options: Options,
                  weights_inside: bool = True):
    """lib/libNAME.so of what `emit` wrote, and with the weights inside lib/libNAME.a."""
    (folder / "lib").mkdir()
    sources = [f"{name}.c", *(["weights.S"] if weights_inside else [])]
    flags = [*_CFLAGS, f"-DWEIGHTS_INSIDE={int(weights_inside)}"]
    with tempfile.TemporaryDirectory() as scratch:
        objects = [os.path.join(scratch, f"{source}.o") for source in sources]
        for source, made in zip(sources, objects):
            tools.run(tools.cc, *flags, "-c", source, "-o", made, cwd=folder)
        objects += sorted(map(str, (folder / "kernels").resolve().glob("*.o")))
        if weights_inside:
            tools.run(tools.ar, "rcs", f"lib/lib{name}.a", *objects, cwd=folder)
        tools.run(tools.cc, "-shared", *objects, "-o", f"lib/lib{name}.so", "-Wl,--gc-sections", "-Wl,-s",
                  "-Wl,--no-undefined", "-lm", *(["-lpthread"] if options.threads else []), cwd=folder)


class new_folder:
    """A folder beside the one asked for, which takes its place when all went well."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder

    def __enter__(self) -> pathlib.Path:
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self.new = pathlib.Path(tempfile.mkdtemp(dir=self.folder.parent, prefix=".export-"))
        self.new.chmod(0o777 & ~_umask())
        return self.new

    def __exit__(self, kind, error, trace):
        if kind is not None:
            shutil.rmtree(self.new, ignore_errors=True)
            return
        if self.folder.exists():
            shutil.rmtree(self.folder)
        os.replace(self.new, self.folder)


def _umask() -> int:
    before = os.umask(0)
    os.umask(before)
    return before


_CMAKE = '''# The libraries of what lies here, and the example.
cmake_minimum_required(VERSION 3.10)
project({name} C ASM)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set_source_files_properties(weights.S PROPERTIES COMPILE_OPTIONS "-I${{CMAKE_CURRENT_SOURCE_DIR}}"
                            OBJECT_DEPENDS ${{CMAKE_CURRENT_SOURCE_DIR}}/weights.bin)
file(GLOB kernels ${{CMAKE_CURRENT_SOURCE_DIR}}/kernels/*.o)
set_source_files_properties(${{kernels}} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
add_library({name} STATIC {name}.c weights.S ${{kernels}})
add_library({name}_shared SHARED {name}.c weights.S ${{kernels}})
set_target_properties({name}_shared PROPERTIES OUTPUT_NAME {name})
add_executable({name}_example main.c)
foreach(library {name} {name}_shared)
  target_include_directories(${{library}} PUBLIC ${{CMAKE_CURRENT_SOURCE_DIR}})
  target_compile_options(${{library}} PRIVATE $<$<COMPILE_LANGUAGE:C>:-fvisibility=hidden>)
  target_link_libraries(${{library}} PUBLIC m)
  if({threads})
    target_link_libraries(${{library}} PUBLIC pthread)
  endif()
endforeach()
target_link_libraries({name}_example {name})
'''
