"""`keras.utils.conv_utils` of Keras 2: sizes of convolutions and pooling, for layers written then."""
from __future__ import annotations

__all__ = ["conv_input_length", "conv_output_length", "convert_kernel", "deconv_length", "deconv_output_length",
           "normalize_data_format", "normalize_padding", "normalize_tuple"]


def normalize_tuple(value, n: int, name: str, allow_zero: bool = False) -> tuple:
    """``value`` as a tuple of ``n`` ints: an int stands for n equal ones.

    Raises ValueError naming ``name`` when there are not n of them, or one is below 1 (0 with ``allow_zero``).

        >>> normalize_tuple(3, 2, "kernel_size")
        (3, 3)
    """
    try:
        sizes = (int(value),) * n if isinstance(value, int) else tuple(int(v) for v in value)
    except (TypeError, ValueError):
        sizes = ()
    if len(sizes) != n or any(s < (0 if allow_zero else 1) for s in sizes):
        raise ValueError(f"{name}: expected {n} integers of {0 if allow_zero else 1} or more, received {value!r}")
    return sizes


def normalize_padding(value: str) -> str:
    """``value`` in lower case. Raises ValueError unless it is valid, same or causal."""
    padding = str(value).lower()
    if padding not in ("valid", "same", "causal"):
        raise ValueError(f"padding: expected valid, same or causal, received {value!r}")
    return padding


def normalize_data_format(value=None) -> str:
    """``value`` in lower case, or the default for None. Raises ValueError unless it is one of the two layouts."""
    from kgraph import config
    data_format = config.image_data_format() if value is None else str(value).lower()
    if data_format not in ("channels_first", "channels_last"):
        raise ValueError(f"data_format: expected channels_first or channels_last, received {value!r}")
    return data_format


def conv_output_length(input_length, filter_size: int, padding: str, stride: int, dilation: int = 1):
    """The length that a convolution or pooling gives. padding may also be "full". None stays None.

        >>> conv_output_length(10, 3, "valid", 2)
        4
    """
    if input_length is None:
        return None
    reach = filter_size + (filter_size - 1) * (dilation - 1)
    length = {"valid": input_length - reach + 1, "full": input_length + reach - 1}.get(padding, input_length)
    return (length + stride - 1) // stride


def conv_input_length(output_length, filter_size: int, padding: str, stride: int):
    """The shortest length from which a convolution gives ``output_length``. None stays None."""
    if output_length is None:
        return None
    pad = {"same": filter_size // 2, "full": filter_size - 1}.get(padding, 0)
    return (output_length - 1) * stride - 2 * pad + filter_size


def deconv_output_length(input_length, filter_size: int, padding: str, output_padding=None, stride: int = 0,
                         dilation: int = 1):
    """The length that a transposed convolution gives. None stays None."""
    if input_length is None:
        return None
    reach = filter_size + (filter_size - 1) * (dilation - 1)
    if output_padding is None:
        extra = {"valid": max(reach - stride, 0), "full": stride + reach - 2 - 2 * (stride - 1) - (stride - 1)}
        if padding == "full":
            return input_length * stride - (stride + reach - 2)
        return input_length * stride + extra.get(padding, 0)
    pad = {"same": reach // 2, "full": reach - 1}.get(padding, 0)
    return (input_length - 1) * stride + reach - 2 * pad + output_padding


def deconv_length(dim_size, stride_size: int, kernel_size: int, padding: str, output_padding=None, dilation: int = 1):
    """`deconv_output_length` in the order of Keras 2's arguments."""
    return deconv_output_length(dim_size, kernel_size, padding, output_padding, stride_size, dilation)


def convert_kernel(kernel):
    """A kernel of Theano's convolutions, which turn it round, as the others have it: every space axis reversed."""
    return kernel[(slice(None, None, -1),) * (kernel.ndim - 2)].copy()
