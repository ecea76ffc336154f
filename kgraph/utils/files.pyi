# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from contextlib import AbstractContextManager
from kgraph._types import PathLike
from typing import Any

def durable_write(path: PathLike) -> AbstractContextManager[Any]: ...
def check_regular(path: PathLike) -> None: ...
def get_file(fname: str | None = None, origin: str | None = None, untar: bool = False, md5_hash: str | None = None, file_hash: str | None = None, cache_subdir: str = 'datasets', hash_algorithm: str = 'auto', extract: bool = False, archive_format: str = 'auto', cache_dir: PathLike | None = None, force_download: bool = False) -> str: ...
def unpack(archive: Any, folder: Any, archive_format: str = 'auto') -> None: ...

__all__ = [
    "check_regular",
    "durable_write",
    "get_file",
    "unpack",
]
