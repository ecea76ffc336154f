"""The HDF5 reader against h5py, over the features that files of Keras use."""
import io
import re

import h5py
import numpy as np
import pytest

from kgraph.saving.hdf5 import Dataset, Group, is_hdf5, open_file, write_names

ARRAYS = {
    "f4": np.arange(12, dtype="f4").reshape(3, 4), "f8": np.linspace(0, 1, 5), "f2": np.float16(3),
    "i8": np.arange(4), "u1": np.arange(6, dtype="u1"), "big": np.arange(5, dtype=">i4"),
    "bool": np.array([True, False]),
    "empty": np.zeros((0, 3)), "nested/deeper/x": np.ones((2, 2)), "one": np.float32(7),
}
TEXTS = {"fixed": np.array([b"ab", b"c"]), "long": np.array(["one", "zwölf"], h5py.string_dtype())}


def write(file):
    for name, value in {**ARRAYS, **TEXTS}.items():
        file[name] = value
    file.attrs["text"], file.attrs["bytes"], file.attrs["number"] = "ü" * 10, b"raw", 3
    file.attrs["list"], file.attrs["none"] = ["a", "bc"], []
    file["nested"].attrs["huge"] = "x" * 200_000


@pytest.mark.parametrize("options", [{}, {"userblock_size": 1024}], ids=str)
def test_reads_what_h5py_writes(tmp_path, options):
    with h5py.File(tmp_path / "a.h5", "w", **options) as file:
        write(file)
    with open_file(tmp_path / "a.h5") as group:
        for name, value in ARRAYS.items():
            dataset = group.dataset(name)
            assert (dataset.shape, dataset.dtype) == (np.shape(value), value.dtype)
            np.testing.assert_array_equal(dataset.read(dataset.shape), value)
        assert [group.dataset(n).read_text() for n in TEXTS] == [["ab", "c"], ["one", "zwölf"]]
        assert group.attributes() == {"text": "ü" * 10, "bytes": "raw", "number": 3, "list": ["a", "bc"], "none": []}
        assert group.group("nested").attribute("huge") == "x" * 200_000
        assert group.names() == sorted([*(n for n in ARRAYS if "/" not in n), "nested", *TEXTS])
        assert isinstance(group.get("nested/deeper"), Group) and isinstance(group.get("f4"), Dataset)
        assert group.get("nested/nothing") is None and "f4/x" not in group and group.attribute("gone", 5) == 5


@pytest.mark.parametrize("version", ["v108", "latest"])
def test_reads_newer_layouts(version):
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver=version) as file:
        file["a/b/c"] = np.arange(6.0)
        file["a"].attrs["names"] = ["x", "y"]
    with open_file(buffer, "memory") as root:
        assert root.dataset("a/b/c").read((6,)).tolist() == [0, 1, 2, 3, 4, 5]
        assert root.group("a").name_list("names") == ["x", "y"]


@pytest.mark.parametrize("count", [9, 300, 6000])
def test_reads_dense_links_and_attributes(count):
    """More than eight of them lie in a heap and a tree; attributes above 64 KB by themselves."""
    arrays = {f"{'long_' * (i % 9)}{i}": np.float32(i) for i in range(count)}
    texts = {f"attribute_{i}": "ü" * (i % 100) for i in range(count)}
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver="latest") as file:
        group = file.create_group("many")
        for name, value in arrays.items():
            group[name] = value
        group.attrs.update({**texts, "huge": "x" * 100_000})
        group["soft"] = h5py.SoftLink("/many/0")
    with open_file(buffer, "memory") as root:
        group = root.group("many")
        assert group.names() == sorted([*arrays, "soft"])
        assert [group.dataset(name).read(()) for name in list(arrays)[-9:]] == list(arrays.values())[-9:]
        assert group.attributes() == {**texts, "huge": "x" * 100_000}
        with pytest.raises(ValueError, match="soft link"):
            group.get("soft")


def test_damaged_dense_links_and_attributes():
    """Whatever bytes change in heaps and trees: what is read is as long as before, or the error says so."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver="latest") as file:
        for i in range(200):
            file[f"link_{i}"] = np.float32(i)
            file.attrs[f"attribute_{i}"] = "x" * i
        file.attrs["huge"] = "x" * 100_000
    data, rng = buffer.getvalue(), np.random.default_rng(0)
    places = [m.start() for m in re.finditer(b"FRHP|BTHD|BTIN|BTLF|FHIB|FHDB", data)]
    refused = 0
    for _ in range(200):
        at, changed = rng.choice(places) + rng.integers(150), bytearray(data)
        changed[at:at + 8] = rng.bytes(8) if rng.random() < 0.5 else int(rng.choice(places)).to_bytes(8, "little")
        try:
            with open_file(io.BytesIO(changed), "memory") as root:
                assert len(root.attributes()) <= 201 and len(root.names()) <= 200
        except ValueError as e:
            refused += "the HDF5 file is damaged" in str(e)
    assert refused > 50


@pytest.mark.parametrize("options", [
    {"compression": "gzip"}, {"chunks": True}, {"compression": "gzip", "shuffle": True}, {"fletcher32": True},
    {"chunks": (7, 3)}, {"compression": "gzip", "fletcher32": True, "shuffle": True},
], ids=str)
def test_reads_chunks(options):
    value = np.random.default_rng(0).standard_normal((50, 20)).astype("f4")
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_dataset("x", data=value, **options)
    with open_file(buffer, "memory") as root:
        np.testing.assert_array_equal(root.dataset("x").read((50, 20)), value)


def test_reads_into_memory_of_another_dtype():
    buffer, value = io.BytesIO(), np.random.default_rng(0).standard_normal((700, 1000))
    with h5py.File(buffer, "w") as file:
        file["x"] = value
    target = np.zeros((700, 1000), "f4")
    with open_file(buffer, "memory") as root:
        root.dataset("x").read_into(target)
    np.testing.assert_array_equal(target, value.astype("f4"))


def test_many_names_in_a_group():
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for i in range(700):
            file[f"d{i}"] = i
        write_names(file, "names", [f"layer_{i:05d}_with_a_long_name_{'x' * 100}" for i in range(2000)])
    with open_file(buffer, "memory") as root:
        assert len(root.names()) == 700 and root.dataset("d321").read(()) == 321
        assert root.name_list("names")[1999].startswith("layer_01999") and len(root.name_list("names")) == 2000


@pytest.mark.parametrize("names", [[], ["é"], [f"a{i}" for i in range(9000)], ["x" * 60_000, "y", "z" * 9]], ids=len)
def test_names_of_any_number_and_length(names):
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        write_names(file, "names", names)
        parts = [file.attrs[k] for k in file.attrs]
    assert [n.decode() for part in parts for n in part] == names
    with open_file(buffer, "memory") as root:
        assert root.name_list("names") == names


def test_shape_is_compared_before_reading():
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["x"] = np.ones(3)
    with open_file(buffer, "memory") as root:
        with pytest.raises(ValueError, match=r"expected shape \(4,\), received \(3,\)"):
            root.dataset("x").read((4,))


@pytest.mark.parametrize("data, expected", [(b"\x89HDF\r\n\x1a\n", True), (b"PK\3\4", False), (b"", False)])
def test_is_hdf5(data, expected):
    assert is_hdf5(data) is expected
