"""Images blurred, compared, and their edges; random elastic deformation."""
from __future__ import annotations

from kgraph import doors
from kgraph.ops.core import as_tensor, cast_to, expand_to, floating, is_float_dtype, op, promote
from kgraph.ops.create import iota
from kgraph.ops.elementwise import add, divide, exp, multiply, round, square, subtract
from kgraph.ops.image.images import image_axes, sampled_images
from kgraph.ops.joining import cut, pad, stack, tile
from kgraph.ops.reduce import mean, sum
from kgraph.ops.shape import expand_dims, moveaxis, reshape, squeeze
from kgraph.ops.window import depthwise_conv

__all__ = ["elastic_transform", "gaussian_blur", "sobel_edges", "ssim"]


def _bell(size, sigma, dtype):
    """size weights of a Gaussian bell of that deviation; they sum to 1."""
    place = subtract(iota(size, dtype), (size - 1) / 2)
    weights = exp(multiply(square(divide(place, sigma)), -0.5))
    return divide(weights, sum(weights))


def _batch_last(images, data_format, what):
    """(a batch of images with the channels last, what turns such a batch back into the form of images)."""
    x = as_tensor(images)
    channels = image_axes(x, data_format, what)[2]
    single = len(x.shape) == 3
    last = moveaxis(x, channels, -1)

    def back(y):
        return moveaxis(squeeze(y, 0) if single else y, -1, channels)
    return expand_dims(last, 0) if single else last, back


@op
def gaussian_blur(images, kernel_size=(3, 3), sigma=(1.0, 1.0), data_format=None):
    """Images blurred with a Gaussian bell, zeros around them.

    Args:
        kernel_size, sigma: two each. As Keras 3.15.1 has it, kernels that are not square hold the product of the two
            bells row by row, the second one first.

    Example:
        >>> ops.image.gaussian_blur(ops.ones((1, 5, 5, 1)))[0, 2, 2]
        <Tensor f32[1] [1.]>
    """
    x, back = _batch_last(images, data_format, "gaussian_blur")
    x = floating(x)
    (m, n), (first, second) = kernel_size, (as_tensor(s, x.dtype) for s in sigma)
    kernel = multiply(expand_dims(_bell(n, second, x.dtype), 1), _bell(m, first, x.dtype))
    kernel = tile(reshape(kernel, (m, n, 1, 1)), (1, 1, x.shape[-1], 1))
    return back(depthwise_conv(x, kernel, padding="same", data_format="channels_last"))


@op
def sobel_edges(images, data_format=None):
    """The slopes of images [batch, height, width, channels] by Sobel's filters, on a new last axis: along the columns
    and along the rows. Images are mirrored at their borders.

    Example:
        >>> ops.image.sobel_edges(ops.ones((1, 5, 5, 1))).shape
        (1, 5, 5, 1, 2)
    """
    x = as_tensor(images)
    height, width, _ = image_axes(x, data_format, "sobel_edges")
    widths = [(1, 1) if a in (height, width) else (0, 0) for a in range(len(x.shape))]
    x = pad(floating(x), widths, mode="reflect")
    part = lambda x, axis, i: cut(x, axis, i, x.shape[axis] - 2 + i)
    smooth = lambda x, axis: add(add(part(x, axis, 0), multiply(part(x, axis, 1), 2.0)), part(x, axis, 2))
    slope = lambda x, axis: subtract(part(x, axis, 2), part(x, axis, 0))
    return stack([slope(smooth(x, width), height), slope(smooth(x, height), width)], -1)


@op
def ssim(image1, image2, max_val=1.0, filter_size=11, filter_sigma=1.5, k1=0.01, k2=0.03, data_format=None):
    """The structural similarity of two images, or of each two of two batches: 1 where they are equal.

    Args:
        max_val: the largest value that images can have. Statistics are taken in windows of filter_size, weighted by a
            Gaussian bell of deviation filter_sigma. Wang et al., "Image quality assessment" (2004).
        filter_size, filter_sigma: the side of a window, 11, and the deviation of its bell, 1.5.
        k1, k2: what keeps the quotient finite, 0.01 and 0.03.

    Example:
        >>> ops.image.ssim(ops.ones((16, 16, 1)), ops.ones((16, 16, 1)))
        <Tensor f32[] 1.>
    """
    single, dtype = len(as_tensor(image1).shape) == 3, as_tensor(image1).dtype
    (x, _), (y, _) = (_batch_last(image, data_format, "ssim") for image in (image1, image2))
    x, y = promote(x, y, least=float)
    bell = _bell(filter_size, filter_sigma, x.dtype)
    kernel = tile(reshape(multiply(expand_dims(bell, 1), bell), (filter_size, filter_size, 1, 1)),
                  (1, 1, x.shape[-1], 1))
    smooth = lambda v: depthwise_conv(v, kernel, padding="valid", data_format="channels_last")
    a, b = smooth(x), smooth(y)
    spread_a, spread_b = subtract(smooth(square(x)), square(a)), subtract(smooth(square(y)), square(b))
    both = subtract(smooth(multiply(x, y)), multiply(a, b))
    c1, c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    alike = multiply(add(multiply(multiply(a, b), 2.0), c1), add(multiply(both, 2.0), c2))
    whole = multiply(add(add(square(a), square(b)), c1), add(add(spread_a, spread_b), c2))
    result = mean(divide(alike, whole), axis=(1, 2, 3))
    return cast_to(squeeze(result, 0) if single else result, dtype)


@op
def elastic_transform(images, alpha=20.0, sigma=5.0, interpolation="bilinear", fill_mode="reflect", fill_value=0.0,
                      seed=None, data_format=None):
    """Images read at places moved at random, smoothly.

    As in Keras 3, places move as far down as to the right, and sigma is a factor of the moves too.

    Args:
        alpha, sigma: how far places move, and the deviation of the bell that smooths the moves.
        seed: an int or a SeedGenerator; None: another one each time.

    Example:
        >>> ops.image.elastic_transform(ops.ones((1, 8, 8, 1)), seed=0).shape
        (1, 8, 8, 1)
    """
    x, back = _batch_last(images, data_format, "elastic_transform")
    whole, wide = not is_float_dtype(x.dtype), floating(x)
    b, h, w, _ = x.shape
    size = 6 * int(sigma) | 1
    noise = multiply(doors.random.normal((b, h, w, 1), dtype=wide.dtype, seed=seed), sigma)
    moves = multiply(squeeze(gaussian_blur(noise, (size, size), (sigma, sigma), "channels_last"), -1), alpha)
    places = [add(moves, expand_to(v, (b, h, w))) for v in (expand_dims(iota(h, wide.dtype), 1), iota(w, wide.dtype))]
    result = sampled_images(wide, places, interpolation, fill_mode, fill_value)
    return back(cast_to(round(result), x.dtype) if whole else result)

