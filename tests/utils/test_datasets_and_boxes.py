"""Datasets of series and folders, and bounding boxes, give what Keras 3.15.1 gives (tests/oracle)."""
import importlib.util
import wave
from pathlib import Path

import numpy as np
import pytest

import kgraph

HERE = Path(__file__).parents[1]
spec = importlib.util.spec_from_file_location("datasets_and_boxes", HERE / "oracle" / "datasets_and_boxes.py")
oracle = importlib.util.module_from_spec(spec)
spec.loader.exec_module(oracle)
CASES = oracle.all_cases()
with np.load(HERE / "data" / "datasets_and_boxes.npz") as stored:
    ANSWERS = dict(stored)
utils = kgraph.utils


@pytest.mark.parametrize("case", CASES)
def test_as_keras(case):
    found, expected = np.asarray(CASES[case](kgraph)), ANSWERS[case.replace("/", "|")]
    if expected.dtype.kind == "U":
        assert found.tolist() == expected.tolist()
    else:
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * max(1, np.abs(expected).max(initial=0) / 10))


def windows(**kw):
    return utils.timeseries_dataset_from_array(np.arange(20.0), np.arange(20), 2, batch_size=4, **kw)


def test_a_dataset_is_read_again_in_every_pass_and_in_parts():
    data = windows()
    assert len(data) == data.cardinality() == 5
    first = [y.numpy().tolist() for _, y in data]
    assert first == [y.numpy().tolist() for _, y in data] and first[-1] == [16, 17, 18]
    assert [y.numpy()[0] for _, y in data.skip(1).take(2)] == [4, 8] and len(data.skip(1).take(2)) == 2
    assert len(data.take(-1)) == 5 and len(data.skip(9)) == 0 == len(list(data.skip(9)))
    assert [int(y.numpy().sum()) for y in data.map(lambda x, y: y)] == [6, 22, 38, 54, 51]
    assert next(data.prefetch(2).as_numpy_iterator())[0].shape == (4, 2)


def test_shuffled_batches_differ_by_pass_and_hold_everything():
    data = windows(shuffle=True, seed=1)
    one, two = (np.concatenate([y for _, y in data.as_numpy_iterator()]).tolist() for _ in range(2))
    assert sorted(one) == sorted(two) == list(range(19)) and one != two
    order = [y.numpy()[0] for _, y in windows().shuffle(5, seed=1)]
    assert sorted(order) == [0, 4, 8, 12, 16] and order == [y.numpy()[0] for _, y in windows().shuffle(5, seed=1)]
    with pytest.raises(ValueError, match="buffer_size of at least 1"):
        data.shuffle(0)


def test_cache_reads_once():
    calls = []
    data = windows().map(lambda x, y: calls.append(1) or y).cache()
    assert len(list(data.take(2))) == 2 and len(list(data)) == 5 and len(list(data)) == 5
    assert len(calls) == 7


@pytest.mark.parametrize("arguments, name", [
    ({"sampling_rate": 0}, "sampling_rate"), ({"sequence_stride": 20}, "sequence_stride"),
    ({"start_index": -1}, "start"),
    ({"start_index": 5, "end_index": 5}, r"end_index in \[6, 20\)"), ({"end_index": 20}, "end_index"),
    ({"format": "torch"}, "format"), ({"batch_size": 0}, "batch_size")])
def test_series_refused(arguments, name):
    with pytest.raises(ValueError, match=name):
        utils.timeseries_dataset_from_array(np.arange(20.0), None, 2, **arguments)


@pytest.mark.parametrize("arguments, words", [
    ({"label_mode": "one"}, "label_mode among int"), ({"labels": "inferred "}, "labels 'inferred'"),
    ({"labels": [1, 2]}, "one for each of the 10 files"), ({"label_mode": "binary"}, "expected two classes"),
    ({"class_names": ["a", "q"]}, r"received \['q'\]"), ({"validation_split": 0.5}, "together"),
    ({"validation_split": 0.5, "subset": "both"}, "a seed"),
    ({"validation_split": 2, "subset": "both"}, "validation_split in"),
    ({"validation_split": 0.01, "subset": "training", "seed": 1}, "at least one file"),
    ({"color_mode": "rbg"}, "rgb, rgba, grayscale.*Did you mean 'rgb'"), ({"interpolation": "area"}, "interpolation"),
    ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, "both"), ({"image_size": (1, 2, 3)}, "image_size")])
def test_folders_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        utils.image_dataset_from_directory(oracle.folder(), verbose=False, **arguments)


def test_both_parts_of_a_folder(capsys):
    read = kgraph.preprocessing.image_dataset_from_directory
    parts = read(oracle.folder(), validation_split=0.3, subset="both", seed=1, image_size=4)
    assert "Found 8 files belonging to 3 classes.\nUsing 6 files for training.\nUsing 2" in capsys.readouterr().out
    assert [len(p.file_paths) for p in parts] == [6, 2] and parts[0].class_names == ["a", "b", "c"]
    assert not set(parts[0].file_paths) & set(parts[1].file_paths)
    x, y = next(iter(parts[0]))
    assert x.shape == (6, 4, 4, 3) and x.dtype == "float32" and y.dtype == "int32"


def test_a_model_learns_from_a_folder_and_a_series(tmp_path):
    model = kgraph.Sequential([kgraph.layers.Input((4, 4, 3)), kgraph.layers.Flatten(), kgraph.layers.Dense(3)])
    model.compile("sgd", kgraph.losses.SparseCategoricalCrossentropy(from_logits=True))
    data = utils.image_dataset_from_directory(oracle.folder(), image_size=4, batch_size=3, seed=1, verbose=False)
    history = model.fit(data.map(lambda x, y: (x / 255.0, y)), epochs=2, verbose=0)
    assert len(history.history["loss"]) == 2 and model.predict(data, verbose=0).shape == (8, 3)
    texts = kgraph.layers.TextVectorization()
    texts.adapt(utils.text_dataset_from_directory(oracle.folder(), verbose=False).map(lambda x, y: x))
    assert {"text", "é"} <= set(texts.get_vocabulary())


@pytest.mark.parametrize("width, values", [(1, [0.0, -1.0, 0.5]), (3, [0.25, -1.0, 0.0]), (4, [0.5, -0.5, 0.125])])
def test_sounds_of_other_widths(tmp_path, width, values):
    (tmp_path / "a").mkdir()
    whole = (np.array(values) * 2 ** (8 * width - 1)).astype("int64") + (128 if width == 1 else 0)
    with wave.open(str(tmp_path / "a" / "s.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(width)
        file.setframerate(100)
        file.writeframes(b"".join(int(v).to_bytes(width, "little", signed=width > 1) for v in whole))
    sound, = utils.audio_dataset_from_directory(tmp_path, label_mode=None, verbose=False)
    assert sound.numpy()[0, :, 0].tolist() == values
    with pytest.raises(ValueError, match="expected 8000 samples a second, received 100"):
        list(utils.audio_dataset_from_directory(tmp_path, sampling_rate=8000, verbose=False))
    with pytest.raises(ValueError, match="ragged=False"):
        utils.audio_dataset_from_directory(tmp_path, ragged=True)


def test_boxes_refused():
    boxes = utils.bounding_boxes
    with pytest.raises(ValueError, match="Did you mean 'yxyx'"):
        boxes.convert_format(oracle.BOXES, "xyxz", "xywh")
    with pytest.raises(ValueError, match="height and width, from rel_xyxy to xywh"):
        boxes.convert_format(oracle.BOXES, "rel_xyxy", "xywh")
    with pytest.raises(ValueError, match="last axis of 4"):
        boxes.convert_format(oracle.BOXES[..., :3], "xyxy", "xywh")
    with pytest.raises(NotImplementedError, match="expected bounding_box_format xyxy"):
        boxes.pad(oracle.BOXES, 1, 1, bounding_box_format="xywh")
    with pytest.raises(ValueError, match="four numbers"):
        boxes.encode_box_to_deltas(oracle.BOXES, oracle.BOXES, "xyxy", "xyxy", variance=[1, 2])
    levels = boxes.decode_deltas_to_boxes({"p": oracle.BOXES}, {"p": oracle.BOXES * 0}, "xyxy", "xyxy")
    assert levels["p"].shape == (2, 3, 4)
