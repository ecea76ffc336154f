"""tf.train: checkpoints (in kgraph's own format), and the messages of TFRecord files."""
from __future__ import annotations

from kgraph.naming import missing
from kgraph.tensorflow.checkpoints import (
    Checkpoint,
    CheckpointManager,
    latest_checkpoint,
    list_variables,
    load_checkpoint,
)
from kgraph.tensorflow.examples import (
    BytesList,
    Example,
    Feature,
    FeatureList,
    FeatureLists,
    Features,
    FloatList,
    Int64List,
    SequenceExample,
)

__all__ = ["BytesList", "Checkpoint", "CheckpointManager", "Example", "Feature", "FeatureList", "FeatureLists",
           "Features", "FloatList", "Int64List", "SequenceExample", "latest_checkpoint", "list_variables",
           "load_checkpoint"]


def __getattr__(name):
    raise missing(__name__, name, __all__)
