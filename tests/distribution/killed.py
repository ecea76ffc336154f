"""Training that is killed and started again: `python killed.py FOLDER RANK N` ends process RANK when it exchanges or
meets for the N-th time with the others (0: never), before it sends if N is odd, else after it received."""
import os
import signal
import sys

import numpy as np

import kgraph
from kgraph import layers
from kgraph.distribution import DataParallel, distribution, set_distribution
from kgraph.distribution.shared import Shared
from kgraph.distribution.world import World

X = np.random.default_rng(0).normal(size=(90, 6)).astype("float32")
Y = np.random.default_rng(1).integers(0, 3, 90)
FOLDER, RANK, LIMIT = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
done = [0]


def counted(does):
    """A method of what a process has to do with others, at one of whose calls it ends."""
    def call(self, *args):
        done[0] += 1
        ends = done[0] == LIMIT and distribution().data_shard_id == RANK
        if ends and LIMIT % 2:
            os.kill(os.getpid(), signal.SIGKILL)
        does(self, *args)
        if ends:
            os.kill(os.getpid(), signal.SIGKILL)
    return call


set_distribution(DataParallel())
kgraph.utils.set_random_seed(7)
model = kgraph.Sequential([kgraph.Input((6,)), layers.Dense(4, activation="tanh"), layers.Dropout(0.2),
                           layers.BatchNormalization(), layers.Dense(3, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
backup = kgraph.callbacks.BackupAndRestore(os.path.join(FOLDER, "backup"), save_freq=2)
World._exchange, Shared.meet = counted(World._exchange), counted(Shared.meet)
history = model.fit(X, Y, batch_size=20, epochs=6, verbose=0, callbacks=[backup])
if distribution().data_shard_id == 0:
    np.savez(os.path.join(FOLDER, "done.npz"), *model.get_weights(), **history.history)
