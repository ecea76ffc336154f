"""What layers on images share: the layout, the parts of the data, and what is drawn for each image."""
from __future__ import annotations

from kgraph import ops, random, tree
from kgraph.config import image_data_format
from kgraph.layers.base import Layer
from kgraph.layers.preprocessing.boxes import dense_boxes
from kgraph.naming import nearest
from kgraph.utils.bounding_boxes import FORMATS, clip_to_image_size, convert_format

__all__ = ["Coloured", "ImageLayer", "RandomImage", "Still", "rescaled"]


class ImageLayer(Layer):
    """The base: the layout of the images, and the settings in `described`, which are the config.

    Called on images, or on a dict with "images" and, if wanted, "labels", "segmentation_masks" and "bounding_boxes",
    which are changed alike; other entries stay. The steps are methods for subclasses to override:
    get_random_transformation() draws what changes, and transform_images(), transform_labels(),
    transform_segmentation_masks() and transform_bounding_boxes() apply it to batches.

    Args:
        bounding_box_format: what the numbers of boxes mean: see kgraph.utils.bounding_boxes. "bounding_boxes" are a
            dict of "boxes" [batch, boxes, 4] and "labels" [batch, boxes], or of lists, which are filled up with boxes
            of 0 and labels of -1. A box that leaves the image gets the label -1.
    """

    described = ()

    def __init__(self, data_format=None, bounding_box_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = self._known("data_format", data_format or image_data_format(),
                                       ("channels_last", "channels_first"))
        if bounding_box_format is not None:
            self._known("bounding_box_format", bounding_box_format.lower(), FORMATS)
        self.bounding_box_format = bounding_box_format

    @property
    def height_axis(self) -> int:
        """Which axis of an image counts its rows, from the end."""
        return -3 if self.data_format == "channels_last" else -2

    @property
    def width_axis(self) -> int:
        """Which axis of an image counts its columns, from the end."""
        return self.height_axis + 1

    @property
    def channel_axis(self) -> int:
        """Which axis of an image counts its channels, from the end."""
        return -1 if self.data_format == "channels_last" else -3

    def _known(self, name, value, known, error=ValueError):
        if value not in known:
            raise error(f"layer {self.name!r}: expected {name} among {', '.join(known)}, received {value!r}."
                             f"{nearest(value, known)}")
        return value

    def _range(self, value) -> list:
        """The ends of a value_range."""
        if not isinstance(value, (tuple, list)) or len(value) != 2:
            raise ValueError(f"layer {self.name!r}: expected value_range of two numbers, received {value!r}")
        return sorted(value)

    def call(self, data, training=True):
        transformation = self.get_random_transformation(data, training=training)
        parts = data if isinstance(data, dict) else {"images": data}
        batch = len(self._shape(parts["images"])) == 4
        found = dict(parts)
        for name, one in _PARTS.items():
            if name in parts:
                part = self._dense(parts[name]) if one == "bounding_box" else ops.convert_to_tensor(parts[name])
                transform = getattr(self, f"transform_{name}" if batch else f"transform_single_{one}")
                found[name] = transform(part, transformation, training=training)
        return found if isinstance(data, dict) else found["images"]

    def _dense(self, found) -> dict:
        """Bounding boxes as a dict of tensors."""
        if self.bounding_box_format is None:
            raise ValueError(f"layer {self.name!r}: expected a bounding_box_format, such as 'xyxy', for data with "
                             "'bounding_boxes', received bounding_box_format=None")
        return dense_boxes(found, f"layer {self.name!r}")

    def get_random_transformation(self, data, training=True, seed=None):
        """What is drawn for images (or a dict of data) of that shape; None where nothing is random.

        Args:
            seed: accepted; the layer has its own.

        Returns:
            A dict of tensors, or None.
        """
        return None

    def transform_images(self, images, transformation=None, training=True):
        """The images of a batch, changed by what was drawn.

        Returns:
            What belongs to the changed images.
        """
        raise NotImplementedError(f"{type(self).__name__} has no transform_images()")

    def transform_labels(self, labels, transformation=None, training=True):
        """The labels of a batch: they stay.

        Returns:
            What belongs to the changed images.
        """
        return labels

    def transform_segmentation_masks(self, segmentation_masks, transformation=None, training=True):
        """The masks of a batch, changed as the images are.

        Returns:
            What belongs to the changed images.
        """
        return self.transform_images(segmentation_masks, transformation, training=training)

    def transform_bounding_boxes(self, bounding_boxes, transformation=None, training=True):
        """The boxes of a batch, moved as the images are, and cut to them.

        Returns:
            What belongs to the changed images.
        """
        if not self._moves(transformation, training):
            return bounding_boxes
        before = self._size(transformation)
        after = self._size_after(*before)
        found = convert_format(bounding_boxes, self.bounding_box_format, "xyxy", *before)
        found["boxes"] = self._moved_boxes(found["boxes"], transformation, *before)
        return convert_format(clip_to_image_size(found, *after), "xyxy", self.bounding_box_format, *after)

    def _moves(self, transformation, training) -> bool:
        """Whether transform_bounding_boxes() has anything to do."""
        return training and transformation is not None

    def _size(self, transformation) -> tuple:
        """(height, width) of the images from which a transformation was drawn."""
        return tuple(transformation["input_shape"][axis] for axis in self._axes)

    def _size_after(self, height, width) -> tuple:
        """(height, width) of the results for images of that size."""
        return height, width

    def _moved_boxes(self, boxes, transformation, height, width):
        """Boxes in pixels, xyxy, where things are in the results."""
        raise NotImplementedError(f"layer {self.name!r}: {type(self).__name__} does not move bounding boxes")

    def transform_single_image(self, image, transformation=None, training=True):
        """One image, without the batch axis."""
        return self._single(self.transform_images, image, transformation, training)

    def transform_single_label(self, label, transformation=None, training=True):
        """The label of one image."""
        return self._single(self.transform_labels, label, transformation, training)

    def transform_single_segmentation_mask(self, segmentation_mask, transformation=None, training=True):
        """The mask of one image."""
        return self._single(self.transform_segmentation_masks, segmentation_mask, transformation, training)

    def transform_single_bounding_box(self, bounding_box, transformation=None, training=True):
        """The boxes of one image."""
        return self._single(self.transform_bounding_boxes, bounding_box, transformation, training)

    def _single(self, transform, x, transformation, training):
        batch = tree.map_structure(lambda part: ops.expand_dims(part, 0), x)
        found = transform(batch, transformation, training=training)
        return tree.map_structure(lambda part: ops.squeeze(part, 0), found)

    @property
    def _channel(self) -> int:
        """The axis of the channels, from the end."""
        return -1 if self.data_format == "channels_last" else -3

    @property
    def _axes(self) -> tuple:
        """(axis of the rows, axis of the columns), from the end."""
        return (-3, -2) if self.data_format == "channels_last" else (-2, -1)

    def _shape(self, data) -> tuple:
        """The shape of the images, after a check of the rank."""
        shape = tuple((data["images"] if isinstance(data, dict) else data).shape)
        if len(shape) not in (3, 4):
            raise ValueError(f"layer {self.name!r}: expected images of rank 3 or 4, received shape {shape}")
        return shape

    def get_config(self):
        form = {} if self.bounding_box_format is None else {"bounding_box_format": self.bounding_box_format}
        return {**super().get_config(), **form, **self.settings(*self.described)}


_PARTS = {"images": "image", "bounding_boxes": "bounding_box", "labels": "label",
          "segmentation_masks": "segmentation_mask"}   # and what one of them is


class Draw:
    """draw(bounds, *ones): a number between bounds for each of the images of that shape, in an array of shape (batch,
    *ones); with each=False for all of them, (*ones,)."""

    def __init__(self, shape, dtype, seed):
        self.shape, self.dtype, self.seed = shape, dtype, seed
        self.count = shape[0] if len(shape) == 4 else 1

    def __call__(self, bounds, *ones, each=True):
        shape = (self.count, *ones) if each else ones
        return random.uniform(shape, *bounds, dtype=self.dtype, seed=self.seed)


class RandomImage(ImageLayer):
    """Changes floats in training, image by image: _drawn gives the numbers, _changed uses them."""

    least, most = 0.0, 1.0   # of factors

    def __init__(self, seed=None, data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.seed = seed
        self.generator = random.SeedGenerator(seed)

    def get_random_transformation(self, data, training=True, seed=None):
        """The numbers for each image, by name; None where nothing is to change."""
        if not training:
            return None
        draw = Draw(self._shape(data), self.compute_dtype, self.generator if seed is None else seed)
        sizes = (ops.cast(draw.shape[axis], "float32") for axis in self._axes)
        return {**self._drawn(draw, *sizes), "input_shape": draw.shape}

    def transform_images(self, images, transformation=None, training=True):
        images = ops.cast(ops.convert_to_tensor(images), self.compute_dtype)
        return self._changed(images, transformation) if training and transformation is not None else images

    def _drawn(self, draw, height, width) -> dict:
        """The numbers for each image, by name, from a Draw."""
        raise NotImplementedError(f"{type(self).__name__} has no _drawn()")

    def _changed(self, images, transformation):
        raise NotImplementedError(f"{type(self).__name__} has no _changed()")

    def _interval(self, name, value) -> tuple:
        """(lower, upper) within the least and most; a number stands for all from the least, or its negative, up to
        it."""
        pair = value if isinstance(value, (tuple, list)) else (max(-abs(value), self.least), value)
        return self._bounds(name, pair, self.least, self.most)

    def _bounds(self, name, value, least=-1.0, most=1.0) -> tuple:
        """A factor as (lower, upper): a number stands for both directions."""
        pair = tuple(value) if isinstance(value, (tuple, list)) else (-abs(value), abs(value))
        if len(pair) != 2 or not all(least <= v <= most for v in pair):
            raise ValueError(f"layer {self.name!r}: expected {name} to be a number or two in [{least}, {most}], "
                             f"received {value!r}")
        return tuple(sorted(map(float, pair)))


def rescaled(images, source, target):
    """Values of one range in another."""
    if tuple(source) == tuple(target):
        return images
    return (images - source[0]) / (source[1] - source[0]) * (target[1] - target[0]) + target[0]


class Still:
    """Nothing changes its place: masks and boxes stay."""

    def transform_segmentation_masks(self, segmentation_masks, transformation=None, training=True):
        return segmentation_masks

    def transform_bounding_boxes(self, bounding_boxes, transformation=None, training=True):
        return bounding_boxes


class Coloured(Still, RandomImage):
    """Other colours at the same places."""
