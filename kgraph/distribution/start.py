"""How a process finds the others: it was started by mpiexec, or it is alone."""
from __future__ import annotations

import atexit
import os
import socket
import subprocess
import sys
import tempfile
import time
import traceback

from kgraph.distribution import watcher
from kgraph.distribution.world import World
from kgraph.runtime import thread_pool

__all__ = ["get_device_count", "initialize", "list_devices", "world"]

STARTED = ("PMI_SIZE", "PMIX_RANK", "OMPI_COMM_WORLD_SIZE", "MPI_LOCALNRANKS")  # set by the mpiexec of MPICH, Open MPI
SETTINGS = {  # who waits lets others have the processor; Open MPI is silent about a kind of windows that it cannot have
    "OMPI_MCA_mpi_yield_when_idle": "1", "OMPI_MCA_osc": "^ucx", "MPIR_CVAR_POLLS_BEFORE_YIELD": "1"}

_world: list = []  # the World, or None for a process that is alone, once that is known


def world() -> World | None:
    """The processes that mpiexec started together; None for one that is alone."""
    if not _world:
        initialize()
    return _world[0]


def initialize(job_addresses=None, num_processes=None, process_id=None):
    """Find the other processes. Other functions of this module call it where the program has not.

    Processes of one machine share its processors: each gets as many threads as that gives it, unless KGRAPH_NUM_THREADS
    says otherwise. An error that ends one process ends all, and says on which it was.

    Raises ImportError, saying what to install, where mpiexec started this process and mpi4py is missing; ValueError for
    numbers that are not those of mpiexec.

    Args:
        job_addresses: accepted: mpiexec knows them
        num_processes, process_id: how many there should be, and the number of this one; mpiexec says so by default
    """
    found = _world[0] if _world else _find()
    size, rank = (found.size, found.rank) if found else (1, 0)
    for name, given, is_so in (("num_processes", num_processes, size), ("process_id", process_id, rank)):
        if given is not None and given != is_so:
            raise ValueError(f"initialize: {name}: expected {is_so}, as mpiexec has it, received {given}")
    if not _world:
        _world.append(found)


def _find() -> World | None:
    if not any(name in os.environ for name in STARTED):
        return None
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        raise ImportError("this process was started by mpiexec, and mpi4py, by which it would find the others, is "
                          f"missing or finds no MPI ({error}): pip install 'kgraph[mpi]'") from error
    if MPI.COMM_WORLD.size == 1:
        return None
    made = World(MPI)
    if "KGRAPH_NUM_THREADS" not in os.environ:
        thread_pool.set_num_threads(max(1, thread_pool.get_num_threads() // made.neighbours))
    _end_together(made)
    return made


def _end_together(made: World):
    """An error that leaves the program ends the other processes too. Whoever is killed is named by a watcher."""
    ended = _watch(made)

    def hook(kind, error, trace):
        text = "".join(traceback.format_exception(kind, error, trace))
        ended()
        print(f"{text}kgraph: process {made.rank} of {made.size} on {socket.gethostname()} ended by "
              f"{kind.__name__}: {error}; all end", file=sys.stderr, flush=True)
        time.sleep(0.3)  # mpiexec passes on what was said, and may not after an end
        made.end(130 if issubclass(kind, KeyboardInterrupt) else 1)
    sys.excepthook = hook


def _watch(made: World):
    """Start the watcher of this machine on one of its processes. Gives a function by which this process says that it
    ends by itself, which Python also calls at the end."""
    host = made.hosts[made.rank]
    everybody = made.gather((host, os.getpid()))
    here = {rank: pid for rank, (name, pid) in enumerate(everybody) if name == host}
    first, file = min(here), None
    if first == made.rank and hasattr(os, "pidfd_open"):
        handle, file = tempfile.mkstemp(prefix="kgraph-ends-")
        os.close(handle)
        command = [sys.executable, "-I", "-S", watcher.__file__, file, str(made.size), host]
        begun = subprocess.Popen([*command, *(f"{rank}:{pid}" for rank, pid in here.items())], start_new_session=True,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        begun.stdout.read(1)
    file = made.gather(file)[first]
    marks = None if file is None else os.open(file, os.O_RDWR)

    def ended():
        if marks is not None:
            os.pwrite(marks, watcher.BY_ITSELF, made.rank)
    atexit.register(ended)
    return ended


def list_devices(device_type=None) -> list:
    """["cpu:0", "cpu:1", ...]: a device is a process, with the processors that it uses.

    Raises ValueError for another device_type than "cpu".
    """
    if device_type not in (None, "cpu"):
        raise ValueError(f"list_devices: expected device_type 'cpu', received {device_type!r}")
    return [f"cpu:{i}" for i in range(1 if world() is None else world().size)]


def get_device_count(device_type=None) -> int:
    """How many devices there are: see list_devices."""
    return len(list_devices(device_type))
