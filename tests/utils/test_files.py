import hashlib
import io
import os
import stat
import subprocess
import sys
import tarfile
import zipfile

import pytest

from kgraph.utils import files, get_file
from kgraph.utils.files import durable_write, unpack


def test_durable_write_replaces_whole(tmp_path):
    target = tmp_path / "model"
    target.write_text("old")
    target.chmod(0o640)
    with durable_write(target) as part:
        part.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new" and stat.S_IMODE(target.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["model"]


def test_durable_write_keeps_the_old_file(tmp_path):
    target = tmp_path / "model"
    target.write_text("old")
    with pytest.raises(RuntimeError), durable_write(target) as part:
        part.write_text("half")
        raise RuntimeError("killed")
    assert target.read_text() == "old" and os.listdir(tmp_path) == ["model"]


def test_durable_write_follows_a_link(tmp_path):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with durable_write(tmp_path / "link") as part:
        part.write_text("new")
    assert (tmp_path / "real").read_text() == "new" and (tmp_path / "link").is_symlink()


def test_durable_write_removes_what_killed_writers_left(tmp_path):
    """Parts of processes that have ended, or that are a day old; no others, and nothing of other files."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    parent, here = os.getppid(), files._HERE
    stale = [f".m.{here}-{gone.pid}-{'0' * 8}-ab_1.part", f".m.{here}-{gone.pid}-{'0' * 8}-ab_1.part.weights",
             f".m.{here}-{os.getpid()}-{'0' * 8}-x.part", ".m.old_kind.part"]
    kept = [f".m.{here}-{parent}-{'0' * 8}-x.part", f".m.{here}-{os.getpid()}-{files._SELF}-x.part",
            f".m.{'f' * 8}-{gone.pid}-{'0' * 8}-x.part", f".mm.{here}-{gone.pid}-{'0' * 8}-x.part", ".m.new_kind.part",
            "m.part", ".m.txt"]
    for name in stale + kept:
        (tmp_path / name).write_text("half")
    os.utime(tmp_path / ".m.old_kind.part", (0, 0))
    with durable_write(tmp_path / "m") as part:
        part.write_text("new")
    assert sorted(os.listdir(tmp_path)) == sorted([*kept, "m"])


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source.txt"
    path.write_text("contents")
    return path


def test_get_file(tmp_path, source):
    digest = hashlib.sha256(b"contents").hexdigest()
    path = get_file("a.txt", source.as_uri(), file_hash=digest, cache_dir=tmp_path / "home")
    assert path == str(tmp_path / "home" / "datasets" / "a.txt") and open(path).read() == "contents"
    source.unlink()
    assert get_file("a.txt", source.as_uri(), file_hash=digest, cache_dir=tmp_path / "home") == path


def test_get_file_refuses_another_digest(tmp_path, source):
    with pytest.raises(ValueError, match="does not have the expected digest"):
        get_file("a.txt", source.as_uri(), md5_hash="0" * 32, cache_dir=tmp_path / "home")
    assert os.listdir(tmp_path / "home" / "datasets") == []


def test_get_file_fetches_a_stale_file_again(tmp_path, source):
    folder = tmp_path / "home" / "datasets"
    folder.mkdir(parents=True)
    (folder / "a.txt").write_text("stale")
    digest = hashlib.md5(b"contents").hexdigest()
    path = get_file("a.txt", source.as_uri(), md5_hash=digest, cache_dir=tmp_path / "home")
    assert open(path).read() == "contents"


def test_get_file_offline_says_where_to_put_the_file(tmp_path):
    with pytest.raises(OSError, match=r"cannot download http://127.0.0.1:9/a.npz .* put it at .*a.npz"):
        get_file(origin="http://127.0.0.1:9/a.npz", cache_dir=tmp_path)


@pytest.mark.parametrize("name", ["../a", "a/b", "a\\b", "..", "/etc/passwd"])
def test_get_file_refuses_folders_in_names(tmp_path, source, name):
    with pytest.raises(ValueError, match="without folders"):
        get_file(name, source.as_uri(), cache_dir=tmp_path)


@pytest.mark.parametrize("origin", ["ftp://x/a", "data:text/plain,a", "a.txt"])
def test_get_file_refuses_other_addresses(tmp_path, origin):
    with pytest.raises(ValueError, match="http, https or file address"):
        get_file("a", origin, cache_dir=tmp_path)


def make_tar(path, *members):
    with tarfile.open(path, "w:gz") as tar:
        for member in members:
            info = tarfile.TarInfo(member[0])
            for key, value in (member[1] if isinstance(member[1], dict) else {"size": len(member[1])}).items():
                setattr(info, key, value)
            tar.addfile(info, io.BytesIO(member[1] if isinstance(member[1], bytes) else b""))
    return path


def make_zip(path, *members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in members:
            z.writestr(name, data)
    return path


@pytest.mark.parametrize("make", [make_tar, make_zip])
def test_extract(tmp_path, make):
    archive = make(tmp_path / "a.bin", ("top/x.txt", b"x"), ("y.txt", b"y"))
    folder = get_file("b", archive.as_uri(), extract=True, cache_dir=tmp_path / "home")
    assert open(f"{folder}/top/x.txt").read() == "x" and open(f"{folder}/y.txt").read() == "y"
    assert get_file("b", archive.as_uri(), extract=True, cache_dir=tmp_path / "home") == folder


HOSTILE_TARS = {
    "symbolic link": ("a", {"type": tarfile.SYMTYPE, "linkname": "/etc"}),
    "hard link": ("a", {"type": tarfile.LNKTYPE, "linkname": "/etc/passwd"}),
    "device": ("a", {"type": tarfile.CHRTYPE}),
    "fifo": ("a", {"type": tarfile.FIFOTYPE}),
    "absolute": ("/tmp/evil", b"x"),
    "parent": ("a/../../evil", b"x"),
    "backslash": ("..\\evil", b"x"),
    "drive": ("C:evil", b"x"),
}


@pytest.mark.parametrize("kind", HOSTILE_TARS)
def test_unpack_refuses_hostile_tar(tmp_path, kind):
    archive = make_tar(tmp_path / "a.tar.gz", ("fine", b"x"), HOSTILE_TARS[kind])
    with pytest.raises(ValueError, match="only files|outside"):
        unpack(archive, tmp_path / "out")
    assert os.listdir(tmp_path) == ["a.tar.gz"]


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil"])
def test_unpack_refuses_hostile_zip(tmp_path, name):
    archive = make_zip(tmp_path / "a.zip", (name, b"x"))
    with pytest.raises(ValueError, match="outside"):
        unpack(archive, tmp_path / "out")
    assert os.listdir(tmp_path) == ["a.zip"]


def test_unpack_refuses_a_link_in_a_zip(tmp_path):
    info = zipfile.ZipInfo("a")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive = make_zip(tmp_path / "a.zip", (info, b"/etc/passwd"))
    with pytest.raises(ValueError, match="link"):
        unpack(archive, tmp_path / "out")


def test_unpack_refuses_a_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr("kgraph.utils.files.MAX_UNPACKED", 1 << 20)
    archive = make_zip(tmp_path / "a.zip", ("a", bytes(1 << 21)))
    with pytest.raises(ValueError, match="beyond measure"):
        unpack(archive, tmp_path / "out")
    assert os.listdir(tmp_path) == ["a.zip"]


def test_unpack_refuses_other_files(tmp_path, source):
    with pytest.raises(ValueError, match="expected an archive of the kind tar or zip"):
        unpack(source, tmp_path / "out")
