"""keras.distribution's names, in a process that is alone."""
import pytest

import kgraph
from kgraph import distribution as d


def test_alone_there_is_one_device():
    d.initialize(num_processes=1, process_id=0)
    assert d.list_devices() == ["cpu:0"] and d.get_device_count("cpu") == 1
    with pytest.raises(ValueError, match="num_processes: expected 1, as mpiexec has it, received 2"):
        d.initialize(num_processes=2)
    with pytest.raises(ValueError, match="'cpu', received 'gpu'"):
        d.list_devices("gpu")


def test_distribution_in_force():
    assert d.distribution() is None
    data = d.DataParallel()
    with data.scope():
        assert d.distribution() is data
    assert d.distribution() is None
    assert data.device_mesh.shape == (1,) and data.batch_dim_name == "batch" and data.auto_shard_dataset
    assert data.get_data_layout((8, 3)).axes == ("batch", None)
    assert data.get_variable_layout(kgraph.Variable([[1.0]])).axes == (None, None)
    assert (data.num_processes, data.num_model_replicas, data.data_shard_id) == (1, 1, 0)
    with pytest.raises(TypeError, match="expected a DataParallel"):
        d.set_distribution("data parallel")


def test_meshes():
    mesh = d.DeviceMesh((2, 2), ("batch", "model"), [f"cpu:{i}" for i in range(4)])
    assert mesh.devices[1, 0] == "cpu:2"
    for shape, names, devices, said in (((2,), ("a", "b"), None, "a name for each axis"),
                                        ((3,), ("a",), ["cpu:0"], "expected 3 devices")):
        with pytest.raises(ValueError, match=said):
            d.DeviceMesh(shape, names, devices)
    with pytest.raises(ValueError, match="expected the 1 devices that there are, received 4"):
        d.DataParallel(devices=[f"cpu:{i}" for i in range(4)])


def test_layout_maps():
    layouts = d.LayoutMap(d.DeviceMesh((1, 1), ("batch", "model"), ["cpu:0"]))
    layouts[".*dense.*kernel"] = (None, "model")
    layouts[".*bias"] = d.TensorLayout(("model",))
    assert layouts["dense_1/kernel"].axes == (None, "model") and layouts["conv/bias"].device_mesh is layouts.device_mesh
    assert layouts["conv/kernel"] is None and layouts.get("conv/kernel", 3) == 3 and len(layouts) == 2
    layouts["dense.*"] = ("model",)
    with pytest.raises(ValueError, match="one key that matches 'dense_1/kernel'"):
        layouts["dense_1/kernel"]
    with pytest.raises(ValueError, match="is there already"):
        layouts[".*bias"] = ("model",)
    with pytest.raises(ValueError, match="expected axes among batch, model, received nothing"):
        layouts["x"] = ("nothing",)


def test_tables_by_rows_alone_and_what_is_refused(monkeypatch):
    """Alone a table is a weight like any other; refusals are those of several devices."""
    layouts = d.LayoutMap(d.DeviceMesh((1, 1), ("batch", "model"), ["cpu:0"]))
    layouts[".*embeddings"] = ("model", None)
    model_parallel = d.ModelParallel(layout_map=layouts, batch_dim_name="batch")
    assert model_parallel.num_model_replicas == 1 and model_parallel.get_tensor_layout("x") is None
    with model_parallel.scope():
        layer = kgraph.layers.Embedding(5, 2)
        layer.build()
    assert type(layer.embeddings) is kgraph.Variable
    assert model_parallel.get_variable_layout(layer.embeddings).axes == ("model", None)
    monkeypatch.setattr("kgraph.distribution.layouts.list_devices", lambda: ["cpu:0", "cpu:1"])
    for shape, axes in (((1, 2), (None, "model")), ((2, 1), ("model", "batch"))):
        layouts = d.LayoutMap(d.DeviceMesh(shape, ("batch", "model")))
        layouts["dense/kernel"] = axes
        with pytest.raises(NotImplementedError, match="dense/kernel: expected the first axis to be split over all"):
            d.ModelParallel(layout_map=layouts)
    for given, said in ((None, "expected a LayoutMap"), (d.LayoutMap(None), "with a DeviceMesh"),
                        (d.LayoutMap(d.DeviceMesh((1,), ("x",), ["cpu:0"])), "the 2 devices that there are")):
        with pytest.raises(ValueError, match=said):
            d.ModelParallel(layout_map=given)
