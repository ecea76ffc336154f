"""The TensorBoard callback: real event files, written through tensorboardX (the extra ``tensorboard``)."""
from __future__ import annotations

import os
import struct
import time
import warnings
import zlib

import numpy as np

from kgraph.callbacks.callback import Callback
from kgraph.callbacks.monitors import report_rates
from kgraph.config import image_data_format
from kgraph.gradient import GradientTape
from kgraph.naming import check_keywords
from kgraph.training.compiled_step import eager_data
from kgraph.training.data import parts_of

__all__ = ["TensorBoard"]


class TensorBoard(Callback):
    """Writes what TensorBoard shows, to ``log_dir/train`` and ``log_dir/validation``.

    Raises ImportError, saying what to install, when tensorboardX is missing.

    Args:
        histogram_freq: epochs between histograms of the weights; 0: none
        write_graph: the model's graph, and its config for the view of Keras models
        write_images: with the histograms, the weights as images
        write_grads: with the histograms, those of the gradients on the first batch of the epoch's data
        write_steps_per_second: how fast it goes, by batch and epoch
        update_freq: "epoch", "batch" or a number of batches: how often loss and metrics are written
        profile_batch: a batch number, or a pair: times of these batches, and a table of the kernels
        embeddings_freq: epochs between copies of the embeddings for the projector; 0: none
        embeddings_layer_names: of which layers; by default all Embedding layers
        embeddings_metadata: the name of a file with labels, or {layer name: file name}
        embeddings_data: inputs whose outputs at these layers are shown in place of the layers' weights
        batch_size: Keras 2: accepted
        log_dir: a folder, "logs" by default.

    Raises:
        ValueError: another update_freq or profile_batch.

    Example:
        >>> callbacks.TensorBoard("logs").log_dir
        'logs'
    """

    writes = reads = True

    def __init__(self, log_dir="logs", histogram_freq=0, write_graph=True, write_images=False,
                 write_steps_per_second=False, update_freq="epoch", profile_batch=0, embeddings_freq=0,
                 embeddings_metadata=None, write_grads=False, embeddings_layer_names=None, embeddings_data=None,
                 batch_size=32, **kwargs):
        super().__init__()
        check_keywords("TensorBoard", kwargs, TensorBoard)
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = histogram_freq
        self.write_graph = write_graph
        self.write_images = write_images
        self.write_grads = write_grads
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = 1 if update_freq == "batch" else update_freq
        self.embeddings_freq = embeddings_freq
        self.embeddings_layer_names = embeddings_layer_names
        self.embeddings_metadata = embeddings_metadata
        self.embeddings_data = embeddings_data
        self.batch_size = batch_size
        self._profiled = _batch_range(profile_batch)
        if self.update_freq != "epoch" and (not isinstance(self.update_freq, int) or self.update_freq < 1):
            raise ValueError(f"TensorBoard: update_freq: expected 'epoch', 'batch' or an int, received {update_freq!r}")
        self._writers = {}
        self._batch = 0
        self._began = self._epoch_began = 0.0
        self._epoch_batch = 0

    def sees_batches(self, mode) -> bool:
        by_batch = self.update_freq != "epoch" or self.write_steps_per_second or self._profiled is not None
        return mode == "train" and by_batch

    def writer(self, name):
        """The writer of log_dir/name.

        Returns:
            A writer of event files.

        Raises:
            ImportError: tensorboardX is missing.
        """
        if name not in self._writers:
            try:
                from tensorboardX import SummaryWriter
            except ImportError as error:
                raise ImportError("the TensorBoard callback needs tensorboardX: pip install 'kgraph[tensorboard]'") \
                    from error
            self._writers[name] = SummaryWriter(os.path.join(self.log_dir, name))
        return self._writers[name]

    # -- when

    def on_train_begin(self, logs=None):
        self._batch = 0
        self.writer("train")
        if self.write_graph:
            self._write_graph()
        if self.embeddings_freq:
            self._write_projector()

    def on_train_end(self, logs=None):
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch_began, self._epoch_batch = time.perf_counter(), self._steps()

    def on_train_batch_begin(self, batch, logs=None):
        self._began = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        seconds = time.perf_counter() - self._began
        self._batch += 1
        if self.write_steps_per_second:
            self.writer("train").add_scalar("batch_steps_per_second", 1.0 / max(seconds, 1e-9), self._batch)
        if self.update_freq != "epoch" and self._batch % self.update_freq == 0:
            self._scalars("train", {f"batch_{k}": v for k, v in (logs or {}).items()}, self._batch)
        if self._profiled and self._profiled[0] <= self._batch <= self._profiled[1]:
            self.writer("train").add_scalar("profile/batch_seconds", seconds, self._batch)
            if self._batch == self._profiled[1]:
                self.writer("train").add_text("profile/kernels", self._kernel_table(), self._batch)

    def on_test_end(self, logs=None):
        values = {f"evaluation_{k}_vs_iterations": v for k, v in (logs or {}).items()}
        self._scalars("validation", values, self._steps())

    def on_epoch_end(self, epoch, logs=None):
        logs = dict(logs or {})
        validation = {f"epoch_{k[4:]}": logs.pop(k) for k in list(logs) if k.startswith("val_")}
        report_rates(self.model, logs)
        if self.write_steps_per_second:
            seconds = max(time.perf_counter() - self._epoch_began, 1e-9)
            logs["steps_per_second"] = (self._steps() - self._epoch_batch) / seconds
        self._scalars("train", {f"epoch_{k}": v for k, v in logs.items()}, epoch)
        if validation:
            self._scalars("validation", validation, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_histograms(epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            self._write_embeddings()
        for writer in self._writers.values():
            writer.flush()

    def _steps(self) -> int:
        return int(np.asarray(self.model.optimizer.iterations)) if self.model.optimizer is not None else self._batch

    def _scalars(self, name, values, step):
        for tag, value in values.items():
            if np.ndim(value) == 0:
                self.writer(name).add_scalar(tag, float(value), step)

    # -- weights and gradients

    def _write_histograms(self, epoch):
        writer = self.writer("train")
        for layer in self.model.layers:
            for weight in layer.weights:
                writer.add_histogram(f"{weight.path}/histogram", weight.numpy(), epoch)
                image = as_image(weight.numpy()) if self.write_images else None
                if image is not None:
                    self._add_image(f"{weight.path}/image", image, epoch)
        if self.write_grads:
            for variable, gradient in self._gradients():
                writer.add_histogram(f"{variable.path}_grad/histogram", np.asarray(gradient), epoch)

    def _gradients(self):
        """(variable, gradient) of the loss on the first batch of the data, computed eagerly."""
        x, y, weight = parts_of(eager_data(next(iter(self.model.fit_run.source.batches(0)))))
        with GradientTape() as tape:
            loss = self.model.compute_loss(x, y, self.model(x, training=False), weight)
        variables = self.model.trainable_variables
        return [(v, g) for v, g in zip(variables, tape.gradient(loss, variables)) if g is not None]

    def _add_image(self, tag, image, step):
        from tensorboardX.proto.summary_pb2 import Summary
        height, width = image.shape[:2]
        encoded = Summary.Image(height=height, width=width, colorspace=image.shape[2],
                                encoded_image_string=png(image))
        self.writer("train").file_writer.add_summary(Summary(value=[Summary.Value(tag=tag, image=encoded)]), step)

    # -- the graph

    def _write_graph(self):
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.proto.graph_pb2 import GraphDef
        from tensorboardX.proto.node_def_pb2 import NodeDef
        from tensorboardX.proto.versions_pb2 import VersionDef
        if not self.model.is_functional:
            warnings.warn(f"TensorBoard: model {self.model.name!r} has no recorded graph: none is written",
                          stacklevel=2)
            return
        nodes = []
        for node in self.model._graph.nodes:
            sources = [x.operation.name for x in node.inputs]
            nodes.append(NodeDef(name=node.operation.name, op=type(node.operation).__name__, input=sources))
        unique = list({n.name: n for n in nodes}.values())
        graph = GraphDef(node=unique, versions=VersionDef(producer=22))
        self.writer("train").file_writer.add_event(Event(graph_def=graph.SerializeToString()))
        self._write_keras_model()

    def _write_keras_model(self):
        from tensorboardX.proto.summary_pb2 import Summary, SummaryMetadata
        from tensorboardX.proto.tensor_pb2 import TensorProto
        from tensorboardX.proto.types_pb2 import DT_STRING
        data = SummaryMetadata.PluginData(plugin_name="graph_keras_model", content=b"1")
        text = TensorProto(dtype=DT_STRING, string_val=[self.model.to_json().encode()])
        value = Summary.Value(tag="keras", tensor=text, metadata=SummaryMetadata(plugin_data=data))
        self.writer("train").file_writer.add_summary(Summary(value=[value]), 0)

    def _kernel_table(self) -> str:
        """A Markdown table of the kernels of the training step."""
        programs = self.model._programs_of("train").made.values()
        lines = ["| kernel | layers | extent | flops | bytes |", "|---|---|---|---|---|"]
        for program in programs:
            lines += [f"| {k.name} | {', '.join(k.scopes)} | {k.extent} | {k.flops} | {k.bytes} |"
                      for k in program.compiled.plan.kernels]
        return "\n".join(lines)

    # -- embeddings

    def _embedding_layers(self):
        from kgraph.layers import Embedding
        names = self.embeddings_layer_names
        found = [self.model.get_layer(n) for n in names] if names else \
            [layer for layer in self.model.layers if isinstance(layer, Embedding)]
        metadata = self.embeddings_metadata
        unknown = set(metadata) - {layer.name for layer in found} if isinstance(metadata, dict) else ()
        if unknown:
            raise ValueError(f"TensorBoard: embeddings_metadata: expected names of embedding layers "
                             f"({', '.join(layer.name for layer in found)}), received {', '.join(sorted(unknown))}")
        return found

    def _write_projector(self):
        """The projector's config: for each layer a table of vectors, and its labels."""
        lines = []
        for layer in self._embedding_layers():
            metadata = self.embeddings_metadata
            labels = metadata.get(layer.name) if isinstance(metadata, dict) else metadata
            lines += ["embeddings {", f'  tensor_name: "{layer.name}"', f'  tensor_path: "{layer.name}.tsv"']
            lines += [f'  metadata_path: "{labels}"'] if labels else []
            lines += ["}"]
        os.makedirs(self.log_dir, exist_ok=True)
        with open(os.path.join(self.log_dir, "projector_config.pbtxt"), "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n")

    def _write_embeddings(self):
        for layer in self._embedding_layers():
            if self.embeddings_data is None:
                vectors = layer.get_weights()[0]
            else:
                part = type(self.model)(self.model.input, layer.output)
                vectors = part.predict(self.embeddings_data, verbose=0)
            np.savetxt(os.path.join(self.log_dir, f"{layer.name}.tsv"), vectors.reshape(len(vectors), -1),
                       fmt="%.7g", delimiter="\t")


def _batch_range(given):
    """(first, last) batch from 0 (none), a number, a pair, or text such as "5,8"."""
    if isinstance(given, str):
        given = tuple(int(part) for part in given.split(","))
    pair = (given, given) if isinstance(given, int) else tuple(given)
    if len(pair) == 1:
        pair *= 2
    if len(pair) != 2 or pair[0] < 0 or pair[1] < pair[0]:
        raise ValueError("TensorBoard: profile_batch: expected a number of 0 or more, or a pair of ascending ones, "
                         f"received {given!r}")
    return pair if pair[0] else None


def as_image(weight):
    """A weight as uint8 pixels (height, width, 1 or 3), its range stretched to 0..255; None where it is no picture."""
    w = np.squeeze(weight)
    if w.ndim == 1:
        w = w[None, :, None]
    elif w.ndim == 2:
        w = (w.T if w.shape[0] > w.shape[1] else w)[..., None]
    elif w.ndim == 3:
        w = np.concatenate(list(w.transpose(2, 0, 1) if image_data_format() == "channels_last" else w))[..., None]
    elif w.ndim == 4 and w.shape[2] in (1, 3):
        w = np.concatenate(list(w.transpose(3, 0, 1, 2)))
    else:
        return None
    low, high = float(w.min()), float(w.max())
    return np.uint8(255 * (w - low) / (high - low if high > low else 1.0))


def png(pixels) -> bytes:
    """uint8 pixels (height, width, 1 or 3) as a PNG file (ISO/IEC 15948)."""
    height, width, channels = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in np.ascontiguousarray(pixels))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2 if channels == 3 else 0, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
