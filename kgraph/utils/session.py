"""What the whole process shares: random seeds, automatic names."""
from __future__ import annotations

import random

import numpy as np

from kgraph import naming
from kgraph.random import seed_generators

__all__ = ["clear_session", "set_random_seed"]


def set_random_seed(seed: int):
    """Seed Python's, NumPy's and kgraph's random numbers. Two runs with one seed are equal, whatever the threads.

    Args:
        seed: an int.
    """
    random.seed(seed)
    np.random.seed(seed)
    seed_generators(seed)


def clear_session(free_memory=True):
    """Begin automatic names again from the first. Models need no clearing: their memory goes when they do, whatever
    free_memory says.

    Args:
        free_memory: accepted.
    """
    naming.reset_names()
