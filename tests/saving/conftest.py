import tarfile

import pytest
from golden_models import ARCHIVE, batch

import kgraph
from kgraph import layers


@pytest.fixture(scope="session")
def golden(tmp_path_factory):
    """The folder of files made by real Keras 3.15.1 (keras3/) and tf_keras 2.21 (legacy/): models, inputs, predictions,
    training batches, losses. Made by ../shared/golden/make_golden.py."""
    folder = tmp_path_factory.mktemp("golden")
    with tarfile.open(ARCHIVE) as tar:
        tar.extractall(folder, filter="data")
    return folder


@pytest.fixture
def model():
    """A small compiled model that has been trained for two steps."""
    kgraph.utils.set_random_seed(1)
    x = kgraph.Input((4,), name="x")
    h = layers.Dense(3, activation="tanh", name="hidden")(x)
    m = kgraph.Model(x, layers.Dense(2, name="out")(layers.Dropout(0.0)(h)), name="small")
    m.compile(kgraph.optimizers.Adam(0.01), "mse")
    for _ in range(2):
        m.train_on_batch(*batch())
    return m
