"""tf.io, tf.image, tf.strings, tf.train and tf.summary: files, pictures, text and checkpoints."""
import numpy as np
import pytest

import kgraph
import kgraph.tensorflow as tf

RAMP = np.arange(24, dtype="float32").reshape(2, 4, 3)


def test_lines_and_file_names(tmp_path):
    for name, text in (("b.txt", "3\r\n4"), ("a.txt", "1\n2\n")):
        (tmp_path / name).write_bytes(text.encode())
    files = tf.data.Dataset.list_files(str(tmp_path / "*.txt"), shuffle=False)
    assert [f.numpy().decode()[-5:] for f in files] == ["a.txt", "b.txt"]
    assert list(tf.data.TextLineDataset(files).as_numpy_iterator()) == [b"1", b"2", b"3", b"4"]
    assert tf.io.read_file(str(tmp_path / "a.txt")).numpy() == b"1\n2\n"
    with pytest.raises(ValueError, match="no file matches"):
        tf.data.Dataset.list_files(str(tmp_path / "*.jpg"))


def example():
    return tf.train.Example(features=tf.train.Features(feature={
        "n": tf.train.Feature(int64_list=tf.train.Int64List(value=[-1, 300])),
        "f": tf.train.Feature(float_list=tf.train.FloatList(value=[1.5])),
        "s": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"ab"]))}))


# what TensorFlow writes for this Example, and for a record of b"abc"
SERIALIZED = bytes.fromhex("0a330a0d0a0166120812060a040000c03f0a150a016e12101a0e0a0cffffffffffffffffff01ac02"
                           "0a0b0a017312060a040a026162")
RECORD = bytes.fromhex("0300000000000000b099490e6162636e57f121")


def test_records(tmp_path):
    assert example().SerializeToString() == SERIALIZED
    with tf.io.TFRecordWriter(str(tmp_path / "one")) as writer:
        writer.write(b"abc")
    assert (tmp_path / "one").read_bytes() == RECORD
    path = str(tmp_path / "data.tfrecord")
    with tf.io.TFRecordWriter(path) as writer:
        for _ in range(2):
            writer.write(example().SerializeToString())
    spec = {"n": tf.io.FixedLenFeature([2], tf.int64), "f": tf.io.FixedLenFeature([], tf.float32),
            "s": tf.io.FixedLenFeature([], tf.string), "d": tf.io.FixedLenFeature([], tf.int64, 7)}
    data = tf.data.TFRecordDataset(path).map(lambda r: tf.io.parse_single_example(r, spec))
    row = next(iter(data))
    assert row["n"].numpy().tolist() == [-1, 300] and float(row["f"]) == 1.5 and row["s"].numpy() == b"ab"
    assert int(row["d"]) == 7 and len(list(data)) == 2
    batch = tf.io.parse_example([example().SerializeToString()] * 3, spec)
    assert batch["n"].shape == (3, 2)
    back = tf.train.Example.FromString(example().SerializeToString())
    assert back == example() and back.features.feature["n"].int64_list.value == [-1, 300]
    with pytest.raises(ValueError, match="feature 'n': expected 1 values"):
        tf.io.parse_single_example(example().SerializeToString(), {"n": tf.io.FixedLenFeature([], tf.int64)})
    damaged = bytearray(open(path, "rb").read())
    damaged[20] ^= 1
    (tmp_path / "bad").write_bytes(bytes(damaged))
    with pytest.raises(tf.errors.DataLossError, match="damaged"):
        list(tf.data.TFRecordDataset(str(tmp_path / "bad")))


def test_pictures_out_of_bytes(tmp_path):
    pixels = np.arange(48, dtype="uint8").reshape(4, 4, 3)
    encoded = tf.io.encode_png(pixels)
    assert np.array_equal(tf.io.decode_png(encoded), pixels) and np.array_equal(tf.image.decode_image(encoded), pixels)
    assert tf.io.decode_png(encoded, channels=1).shape == (4, 4, 1)
    flat = np.full((8, 8, 3), 100, "uint8")
    assert np.abs(tf.io.decode_jpeg(tf.io.encode_jpeg(flat)).numpy().astype(int) - 100).max() <= 1
    with pytest.raises(ValueError, match="the bytes of an image"):
        tf.io.decode_jpeg(b"nothing")
    tf.io.write_file(str(tmp_path / "p" / "x.png"), encoded)
    decode = lambda f: tf.io.decode_png(tf.io.read_file(f))
    read = lambda f: tf.image.convert_image_dtype(tf.image.resize(decode(f), [2, 2]), tf.float32)
    data = tf.data.Dataset.list_files(str(tmp_path / "p" / "*.png")).map(read, tf.data.AUTOTUNE).batch(1)
    np.testing.assert_allclose(next(iter(data))[0, :, :, 0], [[7.5, 13.5], [31.5, 37.5]])


IMAGES = [  # name, arguments, what TensorFlow gives
    ("resize", (RAMP[:, :, :1], [1, 2]), [[[7.5], [13.5]]]),
    ("resize", (RAMP[:, :, :1], [4, 2], "nearest"), [[[3], [9]], [[3], [9]], [[15], [21]], [[15], [21]]]),
    ("convert_image_dtype", (np.uint8([[[255, 51, 0]]]), "float32"), [[[1, .2, 0]]]),
    ("convert_image_dtype", (np.float32([[[1, .5, 0]]]), "uint8"), [[[255, 127, 0]]]),
    ("flip_left_right", (RAMP,), RAMP[:, ::-1]), ("flip_up_down", (RAMP,), RAMP[::-1]),
    ("rot90", (RAMP,), np.rot90(RAMP)),
    ("crop_to_bounding_box", (RAMP, 0, 1, 2, 2), RAMP[:, 1:3]),
    ("pad_to_bounding_box", (RAMP[:1, :1], 1, 0, 2, 1), [[[0, 0, 0]], [[0, 1, 2]]]),
    ("central_crop", (RAMP, .5), RAMP[:, 1:3]),
    ("resize_with_crop_or_pad", (RAMP, 2, 2), RAMP[:, 1:3]),
    ("resize_with_pad", (np.ones((2, 4, 1), "float32"), 4, 4), np.pad(np.ones((2, 4, 1)), [(1, 1), (0, 0), (0, 0)])),
    ("rgb_to_grayscale", (np.float32([[[1, .5, 0]]]),), [[[.5924]]]),
    ("adjust_brightness", (np.uint8([[[100, 250, 0]]]), .1), [[[125, 255, 25]]]),
    ("adjust_contrast", (np.float32([[[1.], [3.]]]), 2.), [[[0], [4]]]),
    ("per_image_standardization", (np.float32([[[1], [3]]]),), [[[-1], [1]]]),
    ("total_variation", (RAMP,), 198),
    ("non_max_suppression", ([[0., 0, 1, 1], [0, 0, 1, .9], [2, 2, 3, 3]], [.9, .8, .7], 3), [0, 2]),
]


@pytest.mark.parametrize("name, arguments, expected", IMAGES, ids=lambda x: x if isinstance(x, str) else "")
def test_images(name, arguments, expected):
    found = getattr(tf.image, name)(*arguments)
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=1e-5, atol=1e-5)


def test_random_images():
    crop = tf.image.random_crop(RAMP, [1, 2, 3]).numpy()
    assert crop.shape == (1, 2, 3) and crop[0, 1, 0] - crop[0, 0, 0] == 3
    flipped = {bool(np.array_equal(tf.image.random_flip_left_right(RAMP), RAMP)) for _ in range(30)}
    assert flipped == {True, False}
    assert tf.image.random_brightness(RAMP, .2, seed=1).shape == RAMP.shape


STRINGS = [  # name, arguments, what TensorFlow gives
    ("lower", (["Aé"],), ["aé".encode()]), ("upper", ("a",), b"A"), ("strip", ([" a "],), [b"a"]),
    ("length", (["aé", ""],), [3, 0]), ("length", (["aé"], "UTF8_CHAR"), [2]),
    ("regex_replace", (["a<br>b"], "<br>", " "), [b"a b"]), ("regex_replace", (["ab"], r"(a)(b)", r"\2\1"), [b"ba"]),
    ("regex_replace", (["a,b!"], "[[:punct:]]", ""), [b"ab"]),
    ("regex_full_match", (["ab", "b"], "a.*"), [True, False]),
    ("split", ("a b  c",), [b"a", b"b", b"c"]), ("split", ("a,b", ","), [b"a", b"b"]),
    ("join", ([["a", "b"], ["c", "d"]], "-"), [b"a-c", b"b-d"]), ("reduce_join", (["a", "b"],), b"ab"),
    ("substr", (["hello"], 1, 3), [b"ell"]), ("substr", ("hello", -2, 2), b"lo"), ("to_number", (["1.5"],), [1.5]),
    ("as_string", ([1, 2],), [b"1", b"2"]), ("as_string", ([1.5],), [b"1.500000"]),
    ("unicode_decode", ("é", "UTF-8"), [233]),
    ("unicode_encode", ([233], "UTF-8"), "é".encode()), ("bytes_split", ("ab",), [b"a", b"b"]),
    ("unicode_split", ("aé", "UTF-8"), [b"a", "é".encode()]),
    ("unicode_split", (["a", "b"], "UTF-8"), [[b"a"], [b"b"]]),
    ("unicode_decode", (b"a\xffb", "UTF-8"), [97, 65533, 98]),
    ("unicode_transcode", (["aé"], "UTF-8", "UTF-16-BE"), [b"\0a\0\xe9"]),
    ("unicode_transcode", (b"a\xff\1b", "UTF-8", "UTF-8", "ignore", 65533, True), b"ab"),
    ("ngrams", (["a", "b", "c"], 2), [b"a b", b"b c"]),
    ("ngrams", (["a", "b", "c"], (1, 2), "-"), [b"a", b"b", b"c", b"a-b", b"b-c"]), ("ngrams", (["a"], 2), []),
    ("ngrams", ([["a", "b"]], 2, " ", ("<", ">")), [[b"< a", b"a b", b"b >"]]),
    ("ngrams", (["a", "b"], 3, " ", "_", 1), [b"_ a b", b"a b _"]),
    ("ngrams", (["a"], 2, " ", None, None, True), [b"a"]),
    ("to_hash_bucket_strong", (["a", "hello"], 1000, [1, 2]), [646, 622]),
    ("unsorted_segment_join", (["a", "b", "c"], [1, 0, 1], 3, ","), [b"b", b"a,c", b""]),
]


@pytest.mark.parametrize("name, arguments, expected", STRINGS, ids=lambda x: x if isinstance(x, str) else "")
def test_strings(name, arguments, expected):
    found = getattr(tf.strings, name)(*arguments).numpy()
    assert (found.tolist() if hasattr(found, "tolist") else found) == expected


def test_checkpoints(tmp_path):
    def make():
        net = kgraph.Sequential([kgraph.Input((2,)), kgraph.layers.Dense(1)])
        net.compile("adam", "mse")
        return net
    net = make()
    net.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
    step = tf.Variable(7)
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(model=net, optimizer=net.optimizer, step=step),
                                         str(tmp_path / "ckpts"), max_to_keep=2)
    assert manager.latest_checkpoint is None
    names = [manager.save() for _ in range(3)]
    assert manager.checkpoints == names[1:] and tf.train.latest_checkpoint(str(tmp_path / "ckpts")) == names[2]
    assert names[2].endswith("ckpt-3")
    other, count = make(), tf.Variable(0)
    other.optimizer.build(other.trainable_variables)
    status = tf.train.Checkpoint(model=other, optimizer=other.optimizer, step=count).restore(names[2])
    status.assert_consumed()
    assert int(count.numpy()) == 7
    for a, b in zip(net.weights + net.optimizer.variables, other.weights + other.optimizer.variables):
        assert np.array_equal(a.numpy(), b.numpy())
    with pytest.raises(ValueError, match="expected shape"):
        tf.train.Checkpoint(step=tf.Variable([1, 2])).restore(names[2])


def test_summaries(tmp_path):
    pytest.importorskip("tensorboardX")
    writer = tf.summary.create_file_writer(str(tmp_path))
    with writer.as_default():
        assert tf.summary.scalar("loss", 1.5, step=1)
        tf.summary.image("p", np.zeros((1, 2, 2, 1)), step=1)
        with pytest.raises(ValueError, match="expected a step"):
            tf.summary.scalar("loss", 1.5)
    assert not tf.summary.scalar("loss", 1.5, step=1)
    writer.close()
    assert any(p.stat().st_size > 40 for p in tmp_path.iterdir())


def test_tables():
    a, b = tf.io.decode_csv(["1,x", ",y"], [[5.0], tf.string])
    assert a.numpy().tolist() == [1, 5] and b.numpy().tolist() == [b"x", b"y"]
    assert np.array_equal(tf.io.decode_raw(b"\1\0\2\0", tf.int16), [1, 2])
    assert np.array_equal(tf.io.parse_tensor(tf.io.serialize_tensor(RAMP), tf.float32), RAMP)
