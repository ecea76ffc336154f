# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import Int
from kgraph.distribution.world import World
from typing import Any

def world() -> World | None: ...
def initialize(job_addresses: str | None = None, num_processes: Int | None = None, process_id: Int | None = None) -> None: ...
def list_devices(device_type: str | None = None) -> list[Any]: ...
def get_device_count(device_type: str | None = None) -> int: ...

__all__ = [
    "get_device_count",
    "initialize",
    "list_devices",
    "world",
]
