"""What the TensorBoard callback writes, read back by TensorBoard's own reader."""
import io

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import kgraph as K
from kgraph import callbacks, layers
from kgraph.callbacks.tensorboard import as_image, png

G = np.random.default_rng(0)
X, Y = G.integers(0, 9, (24, 3)), G.random((24, 1)).astype("float32")


def model():
    inputs = K.Input((3,), dtype="int32", name="words")
    h = layers.Flatten(name="flat")(layers.Embedding(9, 4, name="vectors")(inputs))
    m = K.Model(inputs, layers.Dense(1, name="last")(h))
    m.compile(K.optimizers.SGD(0.1), "mse", metrics=["mae"])
    return m


def events(folder):
    found = EventAccumulator(str(folder), size_guidance={"tensors": 0, "scalars": 0, "histograms": 0, "images": 0})
    found.Reload()
    return found


def test_scalars_and_graph(tmp_path):
    m = model()
    history = m.fit(X, Y, batch_size=8, epochs=3, verbose=0, validation_data=(X, Y),
                    callbacks=[callbacks.TensorBoard(tmp_path, update_freq=2)]).history
    train, validation = events(tmp_path / "train"), events(tmp_path / "validation")
    loss = train.Scalars("epoch_loss")
    np.testing.assert_allclose([e.value for e in loss], history["loss"], rtol=1e-6)
    assert [e.step for e in loss] == [0, 1, 2] and [e.step for e in train.Scalars("batch_mae")] == [2, 4, 6, 8]
    assert train.Scalars("epoch_learning_rate")[0].value == pytest.approx(0.1)
    np.testing.assert_allclose([e.value for e in validation.Scalars("epoch_loss")], history["val_loss"], rtol=1e-6)
    assert [e.step for e in validation.Scalars("evaluation_mae_vs_iterations")] == [3, 6, 9]
    graph = train.Graph()
    assert {n.name: (n.op, list(n.input)) for n in graph.node}["last"] == ("Dense", ["flat"])
    assert train.SummaryMetadata("keras").plugin_data.plugin_name == "graph_keras_model"
    assert b"vectors" in train.Tensors("keras")[0].tensor_proto.string_val[0]


def test_histograms_images_and_gradients(tmp_path):
    m = model()
    m.fit(X, Y, epochs=3, verbose=0, callbacks=[
        callbacks.TensorBoard(tmp_path, histogram_freq=2, write_images=True, write_grads=True, write_graph=False)])
    train = events(tmp_path / "train")
    kernel = train.Histograms("last/kernel/histogram")
    assert [e.step for e in kernel] == [0, 2] and kernel[-1].histogram_value.num == 12
    assert kernel[-1].histogram_value.max == pytest.approx(m.get_layer("last").kernel.numpy().max(), rel=1e-6)
    assert len(train.Histograms("vectors/embeddings_grad/histogram")) == 2
    image = train.Images("last/kernel/image")[0]
    assert (image.height, image.width) == (1, 12) and image.encoded_image_string.startswith(b"\x89PNG")


def test_embeddings(tmp_path):
    m = model()
    m.fit(X, Y, verbose=0, callbacks=[callbacks.TensorBoard(tmp_path, embeddings_freq=1,
                                                            embeddings_metadata={"vectors": "words.tsv"})])
    config = (tmp_path / "projector_config.pbtxt").read_text()
    assert 'tensor_path: "vectors.tsv"' in config and 'metadata_path: "words.tsv"' in config
    np.testing.assert_allclose(np.loadtxt(tmp_path / "vectors.tsv"), m.get_layer("vectors").get_weights()[0], rtol=1e-5)
    m.fit(X, Y, verbose=0, callbacks=[callbacks.TensorBoard(
        tmp_path / "b", embeddings_freq=1, embeddings_layer_names=["flat"], embeddings_data=X[:5])])
    assert np.loadtxt(tmp_path / "b" / "flat.tsv").shape == (5, 12)
    with pytest.raises(ValueError, match="vectors.*wordz"):
        m.fit(X, Y, verbose=0, callbacks=[callbacks.TensorBoard(tmp_path, embeddings_freq=1,
                                                                embeddings_metadata={"wordz": "w.tsv"})])


def test_profile_and_speed(tmp_path):
    model().fit(X, Y, batch_size=8, epochs=2, verbose=0, callbacks=[
        callbacks.TensorBoard(tmp_path, profile_batch="2,4", write_steps_per_second=True)])
    train = events(tmp_path / "train")
    assert [e.step for e in train.Scalars("profile/batch_seconds")] == [2, 3, 4]
    assert b"| kernel |" in train.Tensors("profile/kernels/text_summary")[0].tensor_proto.string_val[0]
    assert len(train.Scalars("batch_steps_per_second")) == 6 and len(train.Scalars("epoch_steps_per_second")) == 2


@pytest.mark.parametrize("kwargs, error", [({"update_freq": "hour"}, ValueError), ({"profile_batch": -1}, ValueError),
                                           ({"profile_batch": (3, 2)}, ValueError), ({"hist_freq": 1}, TypeError)])
def test_errors(kwargs, error):
    with pytest.raises(error, match="TensorBoard"):
        callbacks.TensorBoard("logs", **kwargs)


@pytest.mark.parametrize("shape, size", [((5,), (1, 5, 1)), ((5, 3), (3, 5, 1)), ((2, 3, 4), (8, 3, 1)),
                                         ((3, 3, 3, 2), (6, 3, 3)), ((2, 2, 2, 2, 2), None)])
def test_weights_as_images(shape, size):
    image = as_image(G.normal(size=shape))
    assert (None if image is None else image.shape) == size
    if size is not None:
        from PIL import Image
        read = np.asarray(Image.open(io.BytesIO(png(image))))
        assert np.array_equal(read.reshape(size), image)
