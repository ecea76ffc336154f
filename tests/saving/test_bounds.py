"""Time and memory of a load are bounded by the file, whatever its configuration and its headers declare."""
import json
import os
import struct
import zipfile

import h5py
import numpy as np
import pytest

import kgraph
from kgraph import layers
from kgraph.budget import OBJECT, OP, budget, spend
from kgraph.compiler.ir import TensorType
from kgraph.compiler.trace import Trace
from kgraph.inspect import describe_file
from kgraph.models import load_model, model_from_json
from kgraph.saving import hdf5_format
from kgraph.saving.hdf5 import open_file

METRICS = [("AUC", {"num_thresholds": 30_000_000}), ("PrecisionAtRecall", {"recall": 0.5, "num_thresholds": 10**9}),
           ("MeanIoU", {"num_classes": 100_000}), ("IoU", {"num_classes": 10**6, "target_class_ids": [0]}),
           ("AUC", {"num_thresholds": 5, "multi_label": True, "num_labels": 10**9})]


def entry(module, class_name, **config):
    return {"module": f"keras.{module}", "class_name": class_name, "config": config, "registered_name": None}


def changed(path, change):
    """An archive whose configuration is another."""
    with zipfile.ZipFile(path) as z:
        members = {n: z.read(n) for n in z.namelist()}
    config = json.loads(members["config.json"])
    change(config)
    members["config.json"] = json.dumps(config)
    with zipfile.ZipFile(path, "w") as z:
        for name, data in members.items():
            z.writestr(name, data)
    return path


@pytest.fixture
def archive(model, tmp_path):
    model.save(tmp_path / "m.keras")
    return tmp_path / "m.keras"


@pytest.mark.parametrize("class_name, config", METRICS)
def test_metrics_count_against_the_file(archive, class_name, config):
    def change(model):
        model["compile_config"]["metrics"] = [entry("metrics", class_name, **config)]
    with pytest.raises(ValueError, match="more than the file can hold"):
        load_model(changed(archive, change))


def test_one_account_for_all():
    with budget(100):
        spend(60, "a")
        with pytest.raises(ValueError, match="asks for b: together more"):
            spend(60, "b")
    spend(1 << 60, "nothing counts outside")
    with budget(10, weights=100):
        spend(90, "weights of a text", weight=True)
        spend(10, "the rest")
        with pytest.raises(ValueError):
            spend(20, "weights", weight=True)


def test_objects_count():
    config = entry("models", "Sequential", layers=[entry("layers", "ReLU") for _ in range(200)])
    with budget(100 * OBJECT), pytest.raises(ValueError, match="many objects"):
        kgraph.saving.deserialize_keras_object(config)


def test_calls_of_calls_end():
    """Each model calls the one inside three times."""
    x = kgraph.Input((2,))
    model = kgraph.Model(x, layers.ReLU()(x))
    with budget(500 * OBJECT), pytest.raises(ValueError, match="many calls"):
        for _ in range(12):
            x = kgraph.Input((2,))
            model = kgraph.Model(x, model(model(model(x))))


LAYERS = [("Resizing", {"height": 30_000_000, "width": 4}, [8, 8, 3]),
          ("Resizing", {"height": 4, "width": 10**9, "interpolation": "nearest"}, [8, 8, 3]),
          ("AdaptiveAveragePooling1D", {"output_size": 30_000_000}, [8, 4]),
          ("AdaptiveMaxPooling2D", {"output_size": [10**9, 2]}, [8, 8, 3])]


@pytest.mark.parametrize("class_name, config, shape", LAYERS, ids=str)
def test_tables_of_layers_count(class_name, config, shape):
    first = entry("layers", "InputLayer", batch_shape=[None, *shape])
    text = json.dumps(entry("models", "Sequential", layers=[first, entry("layers", class_name, **config)]))
    with pytest.raises(ValueError, match="more than the file can hold"):
        model_from_json(text)


def test_operations_count():
    """A config may ask for a billion differences of differences."""
    with budget(100 * OP), Trace("test") as trace, pytest.raises(ValueError, match="many operations"):
        x = trace.add_input(TensorType((4,), "float32"))
        for _ in range(200):
            x = x + 1


@pytest.mark.parametrize("shape", [[1] * 30_000, [None] * 30_000])
def test_rank(shape):
    first = {**entry("layers", "InputLayer", batch_shape=shape, name="x"), "name": "x", "inbound_nodes": []}
    text = json.dumps(entry("models", "Functional", layers=[first], input_layers=[["x", 0, 0]],
                            output_layers=[["x", 0, 0]]))
    with pytest.raises(ValueError, match="of at most 32 axes"):
        model_from_json(text)


def test_layers_in_any_order_are_called_once(monkeypatch):
    """A config lists layers as it likes; each call waits for its inputs, and is looked at a bounded number of times."""
    from kgraph.models import graph_config
    x = first = kgraph.Input((2,))
    for i in range(60):
        x = layers.Add(name=f"a{i}")([x, first])
    config = json.loads(kgraph.Model(first, x).to_json())
    config["config"]["layers"].reverse()
    looked, parse = [], graph_config._call_arguments
    monkeypatch.setattr(graph_config, "_call_arguments", lambda data: looked.append(1) or parse(data))
    model = model_from_json(json.dumps(config))
    assert len(looked) <= 3 * 60    # once to call, twice to tell what the numbers in the config mean
    np.testing.assert_array_equal(model.predict(np.ones((1, 2), "f4"), verbose=0), [[61.0, 61.0]])


# ------------------------------------------------------------------ HDF5
def many_attributes(count) -> bytes:
    """A file whose root group has the attributes layer_names0, layer_names1 ..."""
    pad = lambda x: x + b"\0" * (-len(x) % 8)
    message = lambda kind, data: struct.pack("<HHB3x", kind, len(data), 0) + data

    def attribute(name):
        name = name.encode() + b"\0"
        return pad(bytes([1, 0]) + struct.pack("<HHH", len(name), 8, 8) + pad(name) + bytes([0x13, 0, 0, 0, 1, 0, 0, 0])
                   + bytes([1, 0, 0, 0, 0, 0, 0, 0]) + b"x")
    messages = message(2, bytes([0, 0]) + b"\xff" * 16) + b"".join(message(12, attribute(f"layer_names{i}"))
                                                                  for i in range(count))
    header = bytes([1, 0]) + struct.pack("<HII4x", count + 1, 1, len(messages)) + messages
    return (b"\x89HDF\r\n\x1a\n" + bytes([2, 8, 8, 0]) + struct.pack("<QQQQ", 0, 2**64 - 1, 48 + len(header), 48)
            + b"\0" * 4 + header)


def test_attributes_are_read_once(tmp_path, monkeypatch):
    (tmp_path / "a.h5").write_bytes(many_attributes(500))
    read, parse = [], hdf5_format._attribute
    monkeypatch.setattr(hdf5_format, "_attribute", lambda c: read.append(1) or parse(c))
    with open_file(tmp_path / "a.h5") as root:
        assert root.name_list("layer_names") == ["x"] * 500
    assert len(read) == 500


def test_one_object_under_many_names_is_one(tmp_path):
    """Links cost 40 bytes; what they lead to is read, counted and listed once."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = np.ones(1000, "f4")
        for i in range(300):
            file[f"y{i}"] = file["x"]
        file["loop"] = file["/"]
    assert [a["path"] for a in describe_file(tmp_path / "a.h5")["arrays"]] == ["x"]
    with open_file(tmp_path / "a.h5") as root:
        assert root.held() == 4000


def test_parts_that_overlap_are_not_read_again_and_again(tmp_path):
    """300 layers whose names lead to one group of 300 arrays would be 90,000 arrays."""
    model = kgraph.Sequential([kgraph.Input((1,)), layers.Dense(1)])
    with h5py.File(tmp_path / "a.h5", "w") as file:
        group = file.create_group("l0")
        for i in range(1, 300):
            file[f"l{i}"] = group
        group["x"] = np.ones(1)
        group.attrs["weight_names"] = np.full(20_000, b"x")
        file.attrs["layer_names"] = [f"l{i}".encode() for i in range(300)]
    with pytest.raises(ValueError, match="again and again"):
        model.load_weights(tmp_path / "a.h5")


def chunked(path, value, chunks, **options):
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=value, chunks=chunks, **options)
        return [file["x"].id.get_chunk_info(i).byte_offset for i in range(file["x"].id.get_num_chunks())]


def test_a_chunk_that_is_there_twice(tmp_path):
    """Then another never is: the memory for it would be what lay there before."""
    path = tmp_path / "a.h5"
    chunked(path, np.arange(16, dtype="f4"), (4,))
    data = path.read_bytes()
    second = struct.pack("<IIQQ", 16, 0, 4, 0)        # bytes of the second chunk, filters, where it begins
    assert data.count(second) == 1
    path.write_bytes(data.replace(second, struct.pack("<IIQQ", 16, 0, 8, 0)))
    with open_file(path) as root, pytest.raises(ValueError, match="there twice"):
        root.dataset("x").read((16,))


@pytest.mark.parametrize("extent", [0, 3, 1 << 31])
def test_chunks_of_no_or_another_extent(tmp_path, extent):
    path = tmp_path / "a.h5"
    chunked(path, np.arange(16, dtype="f4"), (4,))
    data = path.read_bytes()
    sizes = struct.pack("<II", 4, 4)         # of a chunk, and of an element
    assert data.count(sizes) == 1
    path.write_bytes(data.replace(sizes, struct.pack("<II", extent, 4)))
    with open_file(path) as root, pytest.raises(ValueError, match="do not fit|outside its array|less than"):
        root.dataset("x").read((16,))


def test_what_inflates_beyond_measure(tmp_path):
    """64 MB may be made of anything, more only of what could hold it."""
    chunked(tmp_path / "a.h5", np.zeros(20 << 20, "f4"), (1 << 20,), compression="gzip")
    with open_file(tmp_path / "a.h5") as root:
        with pytest.raises(ValueError, match="declares 83886080 bytes and stores"):
            root.dataset("x").check()
        assert root.held() == 0


# ------------------------------------------------------------------ paths
@pytest.fixture
def pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe.keras")
    return tmp_path / "pipe.keras"


def test_pipes_and_devices_are_no_files(model, pipe):
    for path, what in ((pipe, "a pipe"), ("/dev/zero", "a device")):
        for read in (load_model, model.load_weights, describe_file):
            with pytest.raises(ValueError, match=f"expected a file, received {what}"):
                read(path)
        with pytest.raises(ValueError, match=f"expected a file, received {what}"):
            model.save(path, save_format="keras")
