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


@pytest.fixture(autouse=True, scope="module")
def seed_of_what_a_module_shares():
    """So do the fixtures that the tests of a module share, which are made before the seed of their first test."""
    kgraph.utils.set_random_seed(1)


def pytest_collectstart(collector):
    """And the layers that stand in a module's parameters, which draw their seeds where the module is imported."""
    if isinstance(collector, pytest.Module):
        kgraph.utils.set_random_seed(1)


@pytest.fixture(autouse=True)
def settings():
    """What a test sets in kgraph.config ends with it, whichever test is next in its process."""
    before = dict(kgraph.config._settings)
    yield
    kgraph.config._settings.clear()
    kgraph.config._settings.update(before)


@pytest.fixture
def any_number_of_threads(monkeypatch):
    """Lets even the smallest kernel be shared by threads, and restores their number."""
    from kgraph.runtime import executable, thread_pool
    before = thread_pool.get_num_threads()
    monkeypatch.setattr(executable, "SHARED_WORK", 0)
    monkeypatch.setattr(executable, "WAKING_WORK", 0)
    yield
    thread_pool.set_num_threads(before)
