"""tf.summary: event files for TensorBoard, written by tensorboardX (the extra `tensorboard`)."""
from __future__ import annotations

import contextlib

import numpy as np

from kgraph.naming import missing
from kgraph.tensorflow.base.texts import text_of

__all__ = ["SummaryWriter", "create_file_writer", "experimental", "flush", "histogram", "image", "scalar", "text"]

_open: list = []   # the writers in use, the innermost last
_step = {"step": None}


class SummaryWriter:
    """Writes to the event files of a folder while it is the default (`as_default`)."""

    def __init__(self, logdir):
        try:
            from tensorboardX import SummaryWriter as Writer
        except ImportError as error:
            raise ImportError("tf.summary needs tensorboardX: pip install 'kgraph[tensorboard]'") from error
        self.writer = Writer(text_of(logdir))

    @contextlib.contextmanager
    def as_default(self, step=None):
        """Inside `with` the functions of tf.summary write here; step: for those that are given none."""
        before = _step["step"]
        _open.append(self)
        _step["step"] = before if step is None else step
        try:
            yield self
        finally:
            _open.pop()
            _step["step"] = before
            self.flush()

    def set_as_default(self, step=None):
        """From now on the functions of tf.summary write here."""
        _open.append(self)
        _step["step"] = _step["step"] if step is None else step

    def flush(self):
        self.writer.flush()

    def close(self):
        self.writer.close()


def create_file_writer(logdir, max_queue=None, flush_millis=None, filename_suffix=None, name=None) -> SummaryWriter:
    """A writer of the event files of a folder."""
    return SummaryWriter(logdir)


def _write(method, name, value, step) -> bool:
    """Whether there was a writer. Raises ValueError without a step."""
    if not _open:
        return False
    step = _step["step"] if step is None else step
    if step is None:
        raise ValueError(f"tf.summary: {name}: expected a step, received None")
    getattr(_open[-1].writer, method)(name, value, int(step))
    return True


def scalar(name, data, step=None, description=None) -> bool:
    """Write a number. Returns whether there was a default writer."""
    return _write("add_scalar", name, float(data), step)


def histogram(name, data, step=None, buckets=None, description=None) -> bool:
    """Write how values are spread."""
    return _write("add_histogram", name, np.asarray(data), step)


def image(name, data, step=None, max_outputs=3, description=None) -> bool:
    """Write up to max_outputs pictures of (number, height, width, channels), side by side."""
    array = np.asarray(data)[:max_outputs]
    array = array if array.dtype == np.uint8 else np.uint8(np.clip(array, 0, 1) * 255)
    written = False
    for i, picture in enumerate(array):
        from kgraph.callbacks.tensorboard import png
        picture = picture if picture.shape[-1] in (1, 3) else picture[..., :3]
        written = _write_picture(f"{name}/image/{i}" if len(array) > 1 else name, png(picture), picture.shape, step)
    return written


def _write_picture(tag, encoded, shape, step) -> bool:
    if not _open:
        return False
    from tensorboardX.proto.summary_pb2 import Summary
    value = Summary.Value(tag=tag, image=Summary.Image(height=shape[0], width=shape[1], colorspace=shape[2],
                                                       encoded_image_string=encoded))
    step = _step["step"] if step is None else step
    _open[-1].writer.file_writer.add_summary(Summary(value=[value]), int(step))
    return True


def text(name, data, step=None, description=None) -> bool:
    """Write a text."""
    return _write("add_text", name, text_of(data), step)


def flush(writer=None, name=None):
    """Write to disk what waits."""
    for w in [writer] if writer is not None else _open[-1:]:
        w.flush()


class experimental:
    """The step for functions that are given none."""

    @staticmethod
    def set_step(step):
        _step["step"] = step

    @staticmethod
    def get_step():
        return _step["step"]


def __getattr__(name):
    raise missing(__name__, name, __all__)
