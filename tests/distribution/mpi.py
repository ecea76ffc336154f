"""Starting real processes by mpiexec. Limits of time are for what hangs: a busy machine may take long to compile."""
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NEEDED = [importlib.util.find_spec("mpi4py"), shutil.which("mpiexec", path=os.path.dirname(sys.executable))]
needs_mpi = pytest.mark.skipif(None in NEEDED, reason="needs the extra kgraph[mpi]")


def run(processes, program, *arguments, limit=600, status=0, **environment):
    """Run a program on so many processes (None: without mpiexec); its output. Another status than expected fails."""
    begun = start_processes(processes, program, *arguments, **environment)
    try:
        text, _ = begun.communicate(timeout=limit)
    finally:
        begun.kill()
    assert status is None or begun.returncode == status, text[-4000:]
    return text


def start_processes(processes, program, *arguments, **environment):
    """The Popen of such a program."""
    start = [] if processes is None else [NEEDED[1], "-n", str(processes)]
    text = {**os.environ, "KGRAPH_NUM_THREADS": "1", "KGRAPH_MPI_TIMEOUT": "300", "PYTHONPATH": str(HERE.parents[1]),
            **environment}
    return subprocess.Popen([*start, sys.executable, *map(str, (program, *arguments))], env=text, text=True, cwd=HERE,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
