"""What all tests share. This folder is on the path, so that a test can say `from check_layer import check_layer`."""
import os

import pytest

import kgraph

kgraph.config.disable_traceback_filtering()  # a test that fails shows where
os.environ.setdefault("KGRAPH_CHECK", "1")  # verify programs after every pass


@pytest.fixture(autouse=True)
def seed():
    """Initial weights, dropout and shuffling start alike in every test: one that passes once passes again."""
    kgraph.utils.set_random_seed(1)
