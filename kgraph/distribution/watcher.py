"""Says which process was killed: a program of its own, one on each machine, which `kgraph.distribution` starts.

    python watcher.py FILE SIZE HOST RANK:PID...

A process that is killed cannot say so, and mpiexec kills the others at once. This program is in no group of theirs. It
waits for the end of the processes on its machine, the first of which decides: if it has not written BY_ITSELF at its
rank in FILE before, it was killed. It writes a line to stdout when it is there, and removes FILE at the
end.
"""
import os
import select
import signal
import sys

BY_ITSELF = b"\1"


def watch(marks, size, host, ranks):
    """ranks: pid -> rank of a process. Ends when the first of them has."""
    waiting, of = select.epoll(), {}
    for pid, rank in ranks.items():
        handle = os.pidfd_open(pid)
        of[handle] = rank, pid
        waiting.register(handle, select.EPOLLIN)
    print(flush=True)
    (handle, _), = waiting.poll(maxevents=1)  # events come in the order in which they happened
    first = of[handle]
    cause = _cause(first[1])
    # MPI ends the others at once, and of two that end together the later one may be told first: then both are named
    ended = [first, *(found for found in of.values() if found is not first and _is_ending(found[1]))]
    if os.pread(marks, 1, first[0]) != BY_ITSELF:
        numbers, pids = (" or ".join(map(str, column)) for column in zip(*ended))
        print(f"kgraph: process {numbers} of {size} on {host} (pid {pids}) was killed{cause}; all end", file=sys.stderr,
              flush=True)


def _is_ending(pid) -> bool:
    """Whether a process has given back its memory, the first thing that it does when it ends."""
    try:
        with open(f"/proc/{pid}/statm") as f:
            return f.read().split()[0] == "0"
    except (OSError, IndexError):
        return True


def _cause(pid) -> str:
    """By which signal, if it can still be read."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            number = int(f.read().rpartition(")")[2].split()[-1]) & 127
        return f" by {signal.Signals(number).name}" if number else ""
    except (OSError, ValueError, IndexError):
        return ""


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # the processes end by themselves
        signal.signal(number, signal.SIG_IGN)
    file, size, host, *ranks = sys.argv[1:]
    try:
        watch(os.open(file, os.O_RDONLY), size, host, {int(p): int(r) for r, p in (a.split(":") for a in ranks)})
    finally:
        os.unlink(file)
