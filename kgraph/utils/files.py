"""Files that appear whole or not at all: durable writing, checked downloads, careful unpacking."""
from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import socket
import stat
import tarfile
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
import zlib
from pathlib import Path, PurePosixPath

__all__ = ["check_regular", "durable_write", "get_file", "unpack"]

MAX_MEMBERS = 1_000_000
MAX_UNPACKED = 200 << 30     # bytes
MAX_INFLATION = 1100         # deflate reaches 1032 at most


@contextlib.contextmanager
def durable_write(path):
    """Yields the path of an empty temporary file beside `path`; renames it to `path` when the block ends well.

    The contents are flushed to the disk before the rename, so a kill, an exception or a full disk leaves the old file
    whole. The new file keeps the mode of the one it replaces. What a killed writer of the same file left beside it is
    removed.
    """
    path = Path(path)
    path = path.resolve() if path.is_symlink() else path
    _remove_leftovers(path)
    handle, name = tempfile.mkstemp(prefix=_part_prefix(path), suffix=".part", dir=path.parent)
    os.close(handle)
    try:
        yield Path(name)
        with open(name, "rb+") as f:
            os.fsync(f.fileno())
        os.chmod(name, stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666 & ~_umask())
        os.replace(name, path)
        _sync_folder(path.parent)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)


_HERE = f"{zlib.crc32(socket.gethostname().encode()):08x}"     # this machine, and this process on it, in names of parts
_SELF = secrets.token_hex(4)


def _part_prefix(path) -> str:
    """How the names of the temporary files and folders begin that become `path`: who writes them can be told."""
    return f".{path.name}.{_HERE}-{os.getpid()}-{_SELF}-"


def _remove_leftovers(path):
    """Remove the temporary files beside `path` whose writer is gone, or that nobody has touched for a day."""
    written_by = re.compile(re.escape(f".{path.name}.") + r"(?:(\w{8})-(\d+)-(\w{8})-)?\w+\.part\S*")
    with contextlib.suppress(OSError):
        for part in list(os.scandir(path.parent)):
            match = written_by.fullmatch(part.name)
            if match and (_is_gone(*match.groups()) or part.stat().st_mtime < time.time() - 86400):
                shutil.rmtree(part) if part.is_dir(follow_symlinks=False) else os.unlink(part)


def _is_gone(machine, process, token) -> bool:
    """Whether a process of this machine has ended. Where it cannot be told, it has not."""
    if machine != _HERE or os.name != "posix":
        return False
    if int(process) == os.getpid():
        return token != _SELF
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        pass
    return False


def check_regular(path):
    """Raise ValueError unless there is a file of data: reading a pipe or a device may never end."""
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode):
        kinds = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device",
                 stat.S_IFDIR: "a folder"}
        what = kinds.get(stat.S_IFMT(mode), "something else")
        raise ValueError(f"{os.fspath(path)}: expected a file, received {what}")


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _sync_folder(folder):
    """Make the rename itself durable, where the system lets us open folders."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def get_file(fname=None, origin=None, untar=False, md5_hash=None, file_hash=None, cache_subdir="datasets",
             hash_algorithm="auto", extract=False, archive_format="auto", cache_dir=None, force_download=False):
    """The path of a file from the network, downloaded unless it is in the cache already. Arguments as in Keras.

    Raises OSError when the file cannot be fetched, ValueError when its digest or its contents are not acceptable.

    Args:
        origin: its address (http, https or file)
        fname: its name in the cache; default: the last part of origin
        file_hash: the SHA-256 (64 hex digits) or MD5 (32) that the file must have; a cached file that has another is
            fetched again, a fetched one is refused
        extract: unpack a tar or zip archive, after its digest was checked, and return the folder
        cache_dir: default: $KERAS_HOME, or ~/.keras, which is shared with Keras
        untar, extract, archive_format: unpack what was fetched: "auto", "tar" or "zip".
        md5_hash, file_hash, hash_algorithm: what the file has to have.
        cache_subdir: a folder below the cache, "datasets" by default.
        force_download: even where it is there already.

    Returns:
        The path of the file, or of the folder that was unpacked.
    """
    if origin is None:
        raise ValueError("get_file: expected origin, the address of the file, received None")
    file_hash = file_hash or md5_hash
    folder = Path(cache_dir or os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / cache_subdir
    name = fname or os.path.basename(urllib.parse.urlsplit(origin).path)
    if not name or PurePosixPath(name.replace("\\", "/")).name != name or name in (".", ".."):
        raise ValueError(f"get_file: expected a file name without folders, received fname={fname!r}, origin={origin!r}")
    unpacked = None
    if extract or untar:
        unpacked = folder / (f"{name.partition('.')[0]}_extracted" if fname and "." in name else name)
        name = name if fname and "." in name else f"{name}_archive"
    target = folder / name
    fresh = force_download or not target.exists() or not _digest_agrees(target, file_hash, hash_algorithm)
    if fresh:
        _download(origin, target, file_hash, hash_algorithm)
    if unpacked is None:
        return str(target)
    if fresh or not unpacked.exists():
        unpack(target, unpacked, archive_format)
    return str(unpacked)


def _digest_agrees(path, expected, algorithm) -> bool:
    if expected is None:
        return True
    if algorithm == "auto":
        algorithm = "sha256" if len(expected) == 64 else "md5"
    if algorithm not in ("sha256", "md5"):
        raise ValueError(f"get_file: expected hash_algorithm 'sha256', 'md5' or 'auto', received {algorithm!r}")
    with open(path, "rb") as f:
        return hashlib.file_digest(f, algorithm).hexdigest() == expected.lower()


def _download(origin, target, file_hash, algorithm):
    if urllib.parse.urlsplit(origin).scheme not in ("http", "https", "file"):
        raise ValueError(f"get_file: expected an http, https or file address, received {origin!r}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with durable_write(target) as part:
            with urllib.request.urlopen(origin, timeout=60) as source, open(part, "wb") as f:
                shutil.copyfileobj(source, f, 1 << 20)
            if not _digest_agrees(part, file_hash, algorithm):
                raise ValueError(f"get_file: {origin} does not have the expected digest {file_hash}: "
                                 "it is incomplete, or another file")
    except (urllib.error.URLError, TimeoutError, ConnectionError) as e:
        reason = getattr(e, "reason", e)
        raise OSError(f"cannot download {origin} ({reason}). Without a network, fetch this file elsewhere and put it "
                      f"at {target}") from e


def unpack(archive, folder, archive_format="auto"):
    """Unpack a tar or zip archive into `folder`, which appears whole or not at all.

    Only plain files and folders are taken. A link, a device, an absolute name, a name with ``..``, or an archive that
    grows beyond measure is a ValueError, and then nothing is left behind.
    """
    folder = Path(folder)
    formats = ["tar", "zip"] if archive_format == "auto" else [archive_format] if isinstance(archive_format, str) \
        else list(archive_format or ())
    readers = {"tar": (tarfile.is_tarfile, _tar_members), "zip": (zipfile.is_zipfile, _zip_members)}
    members = next((read for kind, (fits, read) in readers.items() if kind in formats and fits(archive)), None)
    if members is None:
        raise ValueError(f"{archive}: expected an archive of the kind {' or '.join(formats)}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(folder)
    with tempfile.TemporaryDirectory(prefix=_part_prefix(folder), suffix=".part", dir=folder.parent) as part:
        budget = min(MAX_UNPACKED, MAX_INFLATION * os.path.getsize(archive) + (1 << 20))
        for number, (name, size, source) in enumerate(members(archive)):
            budget -= size
            if budget < 0 or number >= MAX_MEMBERS:
                raise ValueError(f"{archive}: inflates beyond measure at member {name!r}")
            target = Path(part, "contents", _safe_name(archive, name))
            target.parent.mkdir(parents=True, exist_ok=True)
            with source, open(target, "xb") as f:
                shutil.copyfileobj(source, f, 1 << 20)
        Path(part, "contents").mkdir(exist_ok=True)
        if folder.exists():
            folder.rename(Path(part, "old"))
        Path(part, "contents").rename(folder)


def _safe_name(archive, name) -> PurePosixPath:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in name or "\0" in name or not path.parts:
        raise ValueError(f"{archive}: member {name!r} would be written outside the folder")
    return path


def _tar_members(archive):
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.isdir():
                continue
            if not member.isreg():
                raise ValueError(f"{archive}: member {member.name!r} is a link or a device; only files are accepted")
            yield member.name, member.size, tar.extractfile(member)


def _zip_members(archive):
    with zipfile.ZipFile(archive) as z:
        for member in z.infolist():
            if member.is_dir():
                continue
            if stat.S_ISLNK(member.external_attr >> 16):
                raise ValueError(f"{archive}: member {member.filename!r} is a link; only files are accepted")
            yield member.filename, member.file_size, z.open(member)
