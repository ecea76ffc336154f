"""How an application is made: its arguments, input, body, head and weights. A family is a class, a model an object."""
from __future__ import annotations

import inspect
import os
import types

from kgraph import config, models
from kgraph.applications.imagenet_utils import CLASSES, obtain_input_shape, validate_activation
from kgraph.graph import KTensor
from kgraph.graph.function import source_inputs
from kgraph.layers import Dense, GlobalAveragePooling2D, GlobalMaxPooling2D, Input
from kgraph.naming import check_keywords
from kgraph.utils.files import get_file

__all__ = ["ADDRESS", "COMMON", "Family", "chain", "channel_axis", "divisible", "nearest_multiple"]

ADDRESS = "https://storage.googleapis.com/tensorflow/keras-applications/"
COMMON = {"include_top": True, "weights": "imagenet", "input_tensor": None, "input_shape": None, "pooling": None,
          "classes": CLASSES, "classifier_activation": "softmax"}
MEANINGS = {
    "include_top": "whether the classifier is part of the model",
    "weights": '"imagenet" (from Keras\'s file in its cache folder, downloaded the first time), the path of a file of '
               "weights, or None: fresh ones",
    "input_tensor": "a KTensor to start from, instead of a new Input",
    "input_shape": "sizes of the pictures without the batch axis; free where there is no classifier",
    "pooling": 'what follows the body where there is no classifier: None, "avg" or "max" over the picture',
    "classes": "their number, for a classifier",
    "classifier_activation": "of the classifier; None gives logits",
    "include_preprocessing": "whether the model takes pixels from 0 to 255 and scales them itself",
    "name": "of the model",
    "alpha": "the width: what numbers of filters are multiplied by",
    "depth_multiplier": "of the depthwise convolutions",
    "dropout": "before the classifier, a share",
    "dropout_rate": "before the classifier, a share",
    "minimalistic": "without squeeze-and-excite, hard_swish and 5x5 convolutions",
}


class Family:
    """The models of one design. A subclass gives `body`, and what differs from the defaults here.

    Args:
        settings: what sets one model of the family apart; they become attributes
    """

    paper = ""
    arguments: dict = COMMON     # of the public functions, in Keras's order, before the name
    size, smallest = 224, 32     # of pictures
    pool_names = (None, None)    # of the pooling layers that end a model without a classifier
    knows_channels_first = True
    folder = ""                  # of the weights, below ADDRESS
    digests = (None, None)       # of the weights with and without the classifier

    def __init__(self, title, name, **settings):
        self.title, self.name = title, name
        for key, value in settings.items():
            setattr(self, key, value)

    def body(self, x, a):
        """The last feature maps. x: pictures; a: the arguments of the call."""
        raise NotImplementedError

    def head(self, x, a):
        """The class scores of the feature maps."""
        return chain(x, GlobalAveragePooling2D(name="avg_pool"),
                     Dense(a.classes, activation=a.classifier_activation, name="predictions"))

    def pool(self, x, a):
        """What ends a model without a classifier."""
        kinds = {"avg": (GlobalAveragePooling2D, self.pool_names[0]), "max": (GlobalMaxPooling2D, self.pool_names[1])}
        layer, name = kinds.get(a.pooling, (None, None))
        return layer(name=name)(x) if layer else x

    def check(self, a):
        """Raises ValueError for arguments that do not go together."""
        if not self.knows_channels_first and config.image_data_format() == "channels_first":
            raise ValueError(f"{self.title}: expected config.image_data_format() 'channels_last', received "
                             "'channels_first'")
        if a.weights not in (None, "imagenet") and not os.path.exists(a.weights):
            raise ValueError(f"{self.title}: expected weights None, 'imagenet' or the path of a file, received "
                             f"{a.weights!r}")
        if a.weights == "imagenet" and a.include_top and a.classes != CLASSES:
            raise ValueError(f"{self.title}: expected classes={CLASSES} with include_top=True and weights='imagenet', "
                             f"received {a.classes!r}")
        if a.include_top:
            validate_activation(a.classifier_activation, a.weights)

    def shape(self, a) -> tuple:
        """The shape of the pictures."""
        return obtain_input_shape(a.input_shape, self.size, self.smallest, config.image_data_format(), a.include_top,
                                  a.weights)

    def file(self, a) -> tuple:
        """(name in the cache, address) of the weights for these arguments."""
        name = f"{self.name}_weights_tf_dim_ordering_tf_kernels{'' if a.include_top else '_notop'}.h5"
        return name, f"{ADDRESS}{self.folder}/{name}"

    def make(self, a):
        """The model."""
        self.check(a)
        a.shape = self.shape(a)
        if isinstance(a.input_tensor, KTensor):
            x = a.input_tensor
        else:
            x = Input(shape=a.shape, tensor=a.input_tensor)
        inputs = x if a.input_tensor is None else source_inputs(x)
        x = self.body(x, a)
        x = self.head(x, a) if a.include_top else self.pool(x, a)
        model = models.Model(inputs, x, name=a.name or self.automatic_name(a))
        if a.weights is not None:
            model.load_weights(self.fetch(a) if a.weights == "imagenet" else a.weights)
        return model

    def automatic_name(self, a) -> str:
        """The name of a model that was given none."""
        return self.name

    def fetch(self, a) -> str:
        """The path of the weights for these arguments. Raises OSError when they are not there and cannot be fetched."""
        return get_file(*self.file(a), cache_subdir="models", file_hash=self.digest(a))

    def digest(self, a):
        """Of the weights for these arguments, or None where Keras knows none."""
        return self.digests[0 if a.include_top else 1]

    @classmethod
    def application(cls, title, name, **settings):
        """The public function that makes models of this kind: it has Keras's signature."""
        kind = cls(title, name, **settings)
        default = None if "automatic_name" in vars(cls) else name
        signature = inspect.Signature([
            inspect.Parameter(key, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=value)
            for key, value in {**kind.arguments, "name": default}.items()])

        def application(*args, **kwargs):
            check_keywords(title, kwargs, signature.parameters)
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            return kind.make(types.SimpleNamespace(**bound.arguments))

        application.__name__ = application.__qualname__ = title
        application.__module__ = cls.__module__
        application.__signature__ = signature
        application.__doc__ = _document(kind, signature)
        return application


def _document(kind, signature) -> str:
    width = max(map(len, signature.parameters))
    lines = [f"{key:{width}}  {MEANINGS[key]}" for key in signature.parameters]
    return "\n".join([
        f"A {kind.title}: {kind.paper}. Pictures of {kind.size}x{kind.size} unless you say otherwise.", "", *lines, "",
        "Raises ValueError for arguments that do not go together, OSError when the weights cannot be fetched; its "
        "message", "says which file belongs where.", "",
        f"    model = kgraph.applications.{kind.title}(weights=None, classes=10)"])


def chain(x, *layers):
    """The layers applied one after another; None is left out."""
    for layer in layers:
        x = x if layer is None else layer(x)
    return x


def channel_axis(last=-1) -> int:
    """The axis of the channels of a batch of pictures; `last` is what to call the last one."""
    return 1 if config.image_data_format() == "channels_first" else last


def nearest_multiple(number) -> int:
    """The multiple of 8 nearest to number, at least 8: what numbers of filters are rounded to."""
    return max(8, int(number + 4) // 8 * 8)


def divisible(number) -> int:
    """The same, but never less than nine tenths of number."""
    rounded = nearest_multiple(number)
    return rounded + 8 if rounded < 0.9 * number else rounded
