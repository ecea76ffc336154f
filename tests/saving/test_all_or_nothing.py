"""load_weights changes all or nothing, and raises what it documents."""
import h5py
import numpy as np
import pytest

import kgraph
from kgraph import layers
from kgraph.models import load_model

NAMES = ["m.weights.h5", "m.h5"]


@pytest.fixture
def two():
    return kgraph.Sequential([kgraph.Input((8,)), layers.Dense(64), layers.Dense(64)])


def arrays(file) -> list:
    found = []
    file.visititems(lambda name, x: found.append(name) if isinstance(x, h5py.Dataset) else None)
    return found


def unchanged(model, before):
    return all(np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_the_last_array_is_damaged(two, tmp_path, name):
    two.save_weights(tmp_path / name)
    with h5py.File(tmp_path / name, "r+") as file:
        for path in arrays(file):
            value = np.random.default_rng(0).random(file[path].shape)
            del file[path]
            file.create_dataset(path, data=value, chunks=value.shape, compression="gzip")
        offset = file[arrays(file)[-1]].id.get_chunk_info(0).byte_offset
    data = bytearray((tmp_path / name).read_bytes())
    data[offset:offset + 40] = b"\xff" * 40
    (tmp_path / name).write_bytes(data)
    before = two.get_weights()
    with pytest.raises(ValueError, match="cannot be decompressed"):
        two.load_weights(tmp_path / name)
    assert unchanged(two, before)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["group", "array", "number", "text"])
def test_something_else_in_the_place_of_each_object(two, tmp_path, name, kind):
    two.save_weights(tmp_path / name)
    whole, before = (tmp_path / name).read_bytes(), two.get_weights()
    with h5py.File(tmp_path / name) as file:
        places = arrays(file)
        file.visit(lambda path: places.append(path))
    for place in places:
        (tmp_path / name).write_bytes(whole)
        with h5py.File(tmp_path / name, "r+") as file:
            del file[place]
            if kind == "group":
                file.create_group(place)
            else:
                file[place] = {"array": np.zeros((3, 3, 3)), "number": 5, "text": "x"}[kind]
        try:
            two.load_weights(tmp_path / name)
        except ValueError:
            assert unchanged(two, before), place
        else:
            assert kind == "group" and place in ("vars", "layers") or unchanged(two, before), place


class Picky(layers.Layer):
    """Loads in its own way, and may refuse after it has changed something."""

    def build(self, input_shape):
        self.scale = self.add_weight((2,), "ones", name="scale")
        self.shift = self.add_weight((2,), "zeros", name="shift")

    def call(self, x):
        return x * self.scale + self.shift

    def save_own_variables(self, store):
        store["scale"], store["shift"] = self.scale, self.shift

    def load_own_variables(self, store):
        self.scale.assign(store["scale"])
        if store["shift"][0] == 5:
            raise RuntimeError("not five")
        self.shift.assign(store["shift"])


def test_a_layer_that_refuses_after_it_began(tmp_path):
    make = lambda: kgraph.Sequential([kgraph.Input((2,)), layers.Dense(2), Picky(), layers.Dense(2)])
    model, other = make(), make()
    other.set_weights([np.full(w.shape, 5.0) for w in other.get_weights()])
    other.save_weights(tmp_path / "m.weights.h5")
    before = model.get_weights()
    with pytest.raises(RuntimeError, match="not five"):
        model.load_weights(tmp_path / "m.weights.h5")
    assert unchanged(model, before)


def test_the_optimizers_state_is_read_before_weights_are_changed(model, tmp_path):
    model.save_weights(tmp_path / "m.weights.h5")
    with h5py.File(tmp_path / "m.weights.h5", "r+") as file:
        value = file["optimizer/vars/2"][()]
        del file["optimizer/vars/2"]
        file.create_dataset("optimizer/vars/2", data=value, chunks=value.shape, compression="gzip")
        offset = file["optimizer/vars/2"].id.get_chunk_info(0).byte_offset
    data = bytearray((tmp_path / "m.weights.h5").read_bytes())
    data[offset:offset + 10] = b"\xff" * 10
    (tmp_path / "m.weights.h5").write_bytes(data)
    model.set_weights([w + 1 for w in model.get_weights()])
    before = model.get_weights()
    with pytest.raises(ValueError):
        model.load_weights(tmp_path / "m.weights.h5")
    assert unchanged(model, before)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_slots_that_are_in_no_file_begin_as_their_optimizer_says(tmp_path, suffix):
    model = kgraph.Sequential([kgraph.Input((2,)), layers.Dense(3)])
    model.compile(kgraph.optimizers.Adagrad(0.5, initial_accumulator_value=0.25), "mse")
    model.save(tmp_path / f"m{suffix}")
    slots = [v.numpy() for v in load_model(tmp_path / f"m{suffix}").optimizer.variables if "accumulator" in v.path]
    assert slots and all(np.all(s == 0.25) for s in slots)
