"""tf.strings: text on the host."""
from __future__ import annotations

import functools
import re

import numpy as np

from kgraph.compiler.trace import Tensor
from kgraph.naming import missing
from kgraph.tensorflow.base.dtypes import as_dtype
from kgraph.tensorflow.base.sparsity import RaggedTensor
from kgraph.tensorflow.base.texts import StringTensor, map_texts, text_of

__all__ = ["as_string", "bytes_split", "format", "join", "length", "lower", "ngrams", "reduce_join", "regex_full_match",
           "regex_replace", "split", "strip", "substr", "to_hash_bucket_fast", "to_hash_bucket_strong", "to_number",
           "unicode_decode", "unicode_encode", "unicode_split", "unicode_transcode", "unsorted_segment_join", "upper"]


def lower(input, encoding="", name=None):
    """Letters made small: those of ASCII, or with encoding "utf-8" all."""
    return map_texts((lambda b: b.decode().lower()) if encoding == "utf-8" else bytes.lower, input)


def upper(input, encoding="", name=None):
    """Letters made capital: those of ASCII, or with encoding "utf-8" all."""
    return map_texts((lambda b: b.decode().upper()) if encoding == "utf-8" else bytes.upper, input)


def strip(input, name=None):
    """Without the blanks at both ends."""
    return map_texts(bytes.strip, input)


def length(input, unit="BYTE", name=None):
    """The lengths in bytes, or with unit "UTF8_CHAR" in characters."""
    return map_texts((lambda b: len(b.decode())) if unit == "UTF8_CHAR" else len, input, "int32")


@functools.lru_cache(256)
def _pattern(pattern):
    """A pattern of RE2 as one of Python's: POSIX classes inside brackets are spelled out."""
    classes = {"alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "space": r"\s", "upper": "A-Z", "lower": "a-z",
               "punct": r"""!-/:-@\[-`{-~""", "word": r"\w"}
    source = re.sub(r"\[:(\w+):\]", lambda m: classes.get(m[1], m[0]), pattern)
    return re.compile(source.encode())


def regex_replace(input, pattern, rewrite, replace_global=True, name=None):
    r"""Where pattern matches (everywhere, or first), rewrite instead; \1 in it is the first group."""
    found, new = _pattern(text_of(pattern)), re.sub(rb"\\0", rb"\\g<0>", text_of(rewrite).encode())
    return map_texts(lambda b: found.sub(new, b, 0 if replace_global else 1), input)


def regex_full_match(input, pattern, name=None):
    """Whether pattern matches the whole of each string."""
    return map_texts(lambda b: _pattern(text_of(pattern)).fullmatch(b) is not None, input, "bool")


def _beside(parts, shape) -> np.ndarray:
    """Lists of as many parts, in an array of a shape."""
    flat = np.empty(sum(map(len, parts)), object)
    flat[:] = [part for p in parts for part in p]
    return flat.reshape(*shape, len(parts[0]) if parts else 0)


def _split(f, input, tensor=StringTensor):
    """The parts that f makes of each string: a tensor for one string, a RaggedTensor for several."""
    array = StringTensor(input).numpy_array()
    parts = [f(b) for b in array.flat]
    if array.ndim == 0:
        return tensor(_beside(parts, ()))
    whole = tensor(_beside([[part for row in parts for part in row]], ()))
    found = RaggedTensor.from_row_lengths(whole, list(map(len, parts)))
    for size in array.shape[:0:-1]:
        found = RaggedTensor.from_row_lengths(found, [size] * (len(found) // size))
    return found


def split(input, sep=None, maxsplit=-1, name=None):
    """The parts of a string between separators (blanks); of several strings a RaggedTensor."""
    return _split(lambda b: b.split(None if not sep else text_of(sep).encode(), maxsplit), input)


def bytes_split(input, name=None):
    """The bytes of a string; of several strings a RaggedTensor."""
    return _split(lambda b: [bytes([c]) for c in b], input)


def ngrams(data, ngram_width, separator=" ", pad_values=None, padding_width=None, preserve_short_sequences=False,
           name=None):
    """Runs of ngram_width strings along the last axis, joined; of several widths one after the other.

    pad_values      what is put before and after, or a pair of it: ngram_width - 1 times, at most padding_width times
    preserve_short_sequences  what is too short for any run is one run
    """
    widths = [ngram_width] if isinstance(ngram_width, int) else list(ngram_width)
    left, right = pad_values if isinstance(pad_values, (tuple, list)) else (pad_values, pad_values)
    glue = text_of(separator).encode()

    def runs(row):
        for width in widths:
            pad = 0 if pad_values is None else width - 1 if padding_width is None else min(padding_width, width - 1)
            padded = [text_of(left).encode()] * pad + row + [text_of(right).encode()] * pad
            yield from (glue.join(padded[i:i + width]) for i in range(len(padded) - width + 1))
    array = StringTensor(data).numpy_array()
    rows = [list(runs(list(row))) for row in array.reshape(-1, array.shape[-1])]
    if preserve_short_sequences and array.shape[-1]:
        rows = [found or [glue.join(row)] for found, row in zip(rows, array.reshape(-1, array.shape[-1]))]
    return StringTensor(_beside(rows, array.shape[:-1]))


def join(inputs, separator="", name=None):
    """Strings put together, element by element."""
    arrays = np.broadcast_arrays(*(StringTensor(x).numpy_array() for x in inputs))
    out = np.empty(arrays[0].shape, object)
    for i in np.ndindex(out.shape):
        out[i] = text_of(separator).encode().join(a[i] for a in arrays)
    return StringTensor(out)


def reduce_join(inputs, axis=None, keepdims=False, separator="", name=None):
    """Strings put together along an axis (by default all)."""
    array = StringTensor(inputs).numpy_array()
    glue = text_of(separator).encode()
    array = array.reshape(-1) if axis is None else np.moveaxis(array, axis, -1)
    out = np.empty(array.shape[:-1], object)
    for i in np.ndindex(out.shape):
        out[i] = glue.join(array[i])
    result = StringTensor(out)
    return StringTensor(np.expand_dims(out, axis)) if keepdims and axis is not None else result


def substr(input, pos, len, unit="BYTE", name=None):
    """len bytes (or characters, with unit "UTF8_CHAR") from pos on; a negative pos counts from the end."""
    def cut(b, pos, size):
        x = b.decode() if unit == "UTF8_CHAR" else b
        start = pos if pos >= 0 else x.__len__() + pos
        return x[start:start + size]
    arrays = np.broadcast_arrays(StringTensor(input).numpy_array(), np.asarray(pos), np.asarray(len))
    out = np.empty(arrays[0].shape, object)
    for i in np.ndindex(out.shape):
        out[i] = cut(arrays[0][i], int(arrays[1][i]), int(arrays[2][i]))
    return StringTensor(out)


def to_number(input, out_type="float32", name=None):
    """Numbers read from text. Raises ValueError for other text."""
    dtype = as_dtype(out_type)
    return map_texts(float if dtype.is_floating else int, input, dtype.name)


def as_string(input, precision=-1, scientific=False, shortest=False, width=-1, fill="", name=None):
    """Numbers as text: floats with precision (6) digits after the point."""
    array = np.asarray(input)
    digits = 6 if precision < 0 else precision
    form = f".{digits}{'e' if scientific else 'f'}" if array.dtype.kind == "f" else ""
    show = lambda v: str(bool(v)).lower() if array.dtype == bool else ("{:" + form + "}").format(v.item())
    out = np.empty(array.shape, object)
    for i in np.ndindex(array.shape):
        out[i] = show(array[i]).rjust(max(width, 0), fill or " ")
    return StringTensor(out)


def format(template, inputs, placeholder="{}", summarize=3, name=None):
    """template with tensors in the places of its placeholders."""
    inputs = inputs if isinstance(inputs, (list, tuple)) else [inputs]
    parts = template.split(placeholder)
    shown = [np.array2string(np.asarray(x), edgeitems=summarize, threshold=2 * summarize) for x in inputs]
    return StringTensor(parts[0] + "".join(s + p for s, p in zip(shown, parts[1:])))


def to_hash_bucket_fast(input, num_buckets, name=None):
    """A number below num_buckets for each string: FarmHash's fingerprint, as in TensorFlow."""
    from kgraph.layers.preprocessing.fingerprints import fingerprint64
    return map_texts(lambda b: fingerprint64(b) % num_buckets, input, "int64")


def to_hash_bucket_strong(input, num_buckets, key, name=None):
    """A number below num_buckets for each string: SipHash under a key of two integers, as in TensorFlow."""
    from kgraph.layers.preprocessing.fingerprints import keyed_hash
    return map_texts(lambda b: keyed_hash(b, key) % num_buckets, input, "int64")


def unsorted_segment_join(inputs, segment_ids, num_segments, separator="", name=None):
    """The strings of each of num_segments segments put together, in their order."""
    parts = [[] for _ in range(int(num_segments))]
    for b, i in zip(StringTensor(inputs).numpy_array().flat, np.asarray(segment_ids).flat):
        parts[int(i)].append(b)
    return StringTensor([text_of(separator).encode().join(p) for p in parts])


def _decoded(b, encoding, errors, replacement, control=False) -> str:
    """The characters of bytes; what cannot be read, and control characters on demand, is replaced or left out."""
    new = "" if errors == "ignore" else chr(replacement)
    text = b.decode(encoding, errors if errors in ("strict", "ignore") else "replace").replace("\ufffd", new)
    return re.sub(r"[\x00-\x1f\x7f]", new, text) if control else text


def unicode_decode(input, input_encoding, errors="replace", replacement_char=65533, replace_control_characters=False,
                   name=None):
    """The code points of a string, int32; of several strings a RaggedTensor."""
    def points(b):
        return [ord(c) for c in _decoded(b, input_encoding, errors, replacement_char, replace_control_characters)]
    return _split(points, input, lambda found: Tensor(found.astype("int32")))


def unicode_split(input, input_encoding, errors="replace", replacement_char=65533, name=None):
    """The characters of a string, in UTF-8; of several strings a RaggedTensor."""
    return _split(lambda b: list(_decoded(b, input_encoding, errors, replacement_char)), input)


def unicode_transcode(input, input_encoding, output_encoding, errors="replace", replacement_char=65533,
                      replace_control_characters=False, name=None):
    """Strings in another encoding."""
    return map_texts(lambda b: _decoded(b, input_encoding, errors, replacement_char, replace_control_characters).encode(
        output_encoding), input)


def unicode_encode(input, output_encoding="UTF-8", errors="replace", replacement_char=65533, name=None):
    """The string of code points along the last axis."""
    array = np.asarray(input)
    out = np.empty(array.shape[:-1], object)
    for i in np.ndindex(out.shape):
        out[i] = "".join(map(chr, array[i])).encode(output_encoding, errors)
    return StringTensor(out)


def __getattr__(name):
    raise missing(__name__, name, __all__)
