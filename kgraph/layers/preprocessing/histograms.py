"""Layers that spread the values of images evenly, by how often each occurs."""
from __future__ import annotations

from kgraph import ops
from kgraph.layers.preprocessing.image_base import ImageLayer, Still, rescaled

__all__ = ["ContrastLimitedAdaptiveHistogramEqualization", "Equalization"]


class Equalization(Still, ImageLayer):
    """In training, each channel's values at even distances in value_range, by their histogram over the whole batch.

    Args:
        bins: of the histogram

    Example:
        >>> layers.Equalization()(np.float32([[[[10.0], [20.0]]]])).shape
        (1, 1, 2, 1)
    """

    described = ("bins", "value_range", "data_format")

    def __init__(self, value_range=(0, 255), bins=256, data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.value_range, self.bins = self._range(value_range), bins

    def _is_per_sample(self, training) -> bool:
        return not training

    def transform_images(self, images, transformation=None, training=True):
        if not training:
            return images
        x = rescaled(ops.cast(images, self.compute_dtype), self.value_range, (0, 255))
        axis = self._channel
        channels = [self._equalized(ops.take(x, i, axis=axis)) for i in range(x.shape[axis])]
        return rescaled(ops.stack(channels, axis=axis), (0, 255), self.value_range)

    def _equalized(self, x):
        bin_of = lambda place: ops.cast(ops.clip(ops.nan_to_num(place), 0, self.bins - 1), "int32")
        counted = ops.ravel(bin_of(x * (self.bins - 1) / 255.0))
        counts = ops.segment_sum(ops.ones_like(counted), counted, self.bins)
        below = ops.cumsum(counts)
        first = ops.min(ops.where(below > 0, below, below[-1]))
        spread = ops.maximum(below[-1] - first, 1)
        table = ops.cast(below - first, "float64") * 255 / ops.cast(spread, "float64")
        table = ops.cast(ops.clip(ops.round(table), 0, 255), x.dtype)
        found = ops.take(table, bin_of(x / 255.0 * (self.bins - 1)))   # as Keras has it: not always the bin counted
        return ops.where(ops.logical_or(below[-1] == first, ops.isnan(x)), x, found)


class ContrastLimitedAdaptiveHistogramEqualization(Still, ImageLayer):
    """Values at even distances in value_range, by the histograms of the tiles around each pixel, in training and else.

    Zuiderveld, "Contrast limited adaptive histogram equalization" (Graphics Gems IV, 1994).

    Args:
        clip_limit: how often a value may occur in a tile, as a multiple of the mean; the excess is spread over all
            values; 0: no limit
        tile_grid_size: (rows, columns) of tiles in an image

    Example:
        >>> layer = layers.ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=(2, 2))
        >>> layer(np.ones((1, 8, 8, 1), "float32")).shape
        (1, 8, 8, 1)
    """

    described = ("value_range", "clip_limit", "tile_grid_size", "data_format")

    def __init__(self, value_range=(0, 255), clip_limit=4.0, tile_grid_size=(8, 8), data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.value_range, self.clip_limit, self.tile_grid_size = value_range, clip_limit, tile_grid_size

    def transform_images(self, images, transformation=None, training=True):
        x = rescaled(ops.cast(images, "float32"), self.value_range, (0, 255))
        x = ops.moveaxis(x, self._channel, -1)
        x = ops.moveaxis(self._spread(x), -1, self._channel)
        return ops.cast(rescaled(x, (0, 255), self.value_range), images.dtype)

    def _spread(self, x):
        _, height, width, channels = x.shape
        rows, columns = self.tile_grid_size
        tile = -(-height // rows), -(-width // columns)
        x = ops.pad(x, [(0, 0), (0, tile[0] * rows - height), (0, tile[1] * columns - width), (0, 0)], "symmetric")
        values = ops.cast(ops.clip(ops.nan_to_num(x), 0, 255), "int32")
        tables = ops.reshape(self._tables(values, tile, channels), (x.shape[0], -1))
        (top, bottom, down), (left, right, across) = (
            self._neighbours(n, size) for n, size in zip(self.tile_grid_size, tile))
        read = lambda row, column: self._read(tables, values, row[:, None, None], column[:, None], channels)
        down, across = down[:, None, None], across[:, None]
        above = read(top, left) * (1.0 - across) + read(top, right) * across
        below = read(bottom, left) * (1.0 - across) + read(bottom, right) * across
        found = ops.where(ops.isnan(x), x, above * (1.0 - down) + below * down)
        return found[:, :height, :width]

    def _tables(self, values, tile, channels):
        """What becomes of each value in each tile: [batch, rows, columns, channels, 256]."""
        rows, columns = self.tile_grid_size
        parts = ops.reshape(values, (values.shape[0], rows, tile[0], columns, tile[1], channels))
        parts = ops.reshape(ops.transpose(parts, (0, 1, 3, 5, 2, 4)), (-1, tile[0] * tile[1]))
        count = parts.shape[0]
        places = ops.ravel(parts + 256 * ops.arange(count, dtype="int32")[:, None])
        counts = ops.segment_sum(ops.ones(places.shape, "float32"), places, count * 256)
        counts = ops.reshape(counts, (-1, rows, columns, channels, 256))
        if self.clip_limit > 0:
            kept = ops.minimum(counts, self.clip_limit * tile[0] * tile[1] / 256.0)
            counts = kept + ops.sum(counts - kept, axis=-1, keepdims=True) / 256.0
        below = ops.cumsum(counts, axis=-1)
        least = ops.min(below, axis=-1, keepdims=True)
        spread = tile[0] * tile[1] - least
        return ops.clip((below - least) * 255.0 / ops.where(spread == 0, 1.0, spread), 0, 255)

    def _neighbours(self, tiles, size):
        """For each pixel of an axis: the tiles before and behind it, and how far it is from the middle of the first."""
        place = (ops.arange(tiles * size, dtype="float32") - size / 2.0) / size
        before = ops.floor(place)
        inside = lambda x: ops.cast(ops.clip(x, 0, tiles - 1), "int32")
        return inside(before), inside(before + 1), place - before

    def _read(self, tables, values, row, column, channels):
        """What becomes of the values by the tables of the tiles at (row, column)."""
        tile = (row * self.tile_grid_size[1] + column) * channels + ops.arange(channels, dtype="int32")
        places = ops.reshape(tile * 256 + values, (values.shape[0], -1))
        return ops.reshape(ops.take_along_axis(tables, places, axis=1), values.shape)
