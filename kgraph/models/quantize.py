"""`Model.quantize`: all layers of a model, or by samples those of its blocks."""
from __future__ import annotations

import contextlib
import functools
import re

import numpy as np

from kgraph import config as settings
from kgraph import ops
from kgraph.layers.base import Layer
from kgraph.layers.quantized import Quantizable
from kgraph.naming import check_keywords, warn_at_user
from kgraph.quantizers.configs import SampledConfig, config_for

__all__ = ["Quantizing"]


class Quantizing:
    """What a model does of quantization."""

    def get_quantization_layer_structure(self, mode=None):
        """For subclasses: the layers that make a model's inputs those of its blocks, and the blocks in their order.

        Args:
            mode: "gptq" or "awq".

        Returns:
            {"pre_block_layers": [...], "sequential_blocks": [...]}; None: the model has no such structure.
        """

    def quantize(self, mode=None, config=None, filters=None, **kwargs):
        """Quantize the layers that can be: see `layer.quantize`. Others are left, with a warning where they say why.

        Compile the model again before it trains. Raises ValueError for arguments that contradict each other.

        Args:
            filters: a regular expression, several, or a function: of the layers whose name or path matches, or for
                which it is true
            mode: "int8", "int4", "gptq", "awq" or "float8"; None: as config says.
            config: a config of quantizers; for "gptq" and "awq", which run samples through the model's blocks and
                quantize the Dense and EinsumDense layers in them, a GPTQConfig or AWQConfig.
        """
        try:
            _quantize_layers(self, mode, config, filters, **kwargs)
        finally:
            for model in self._all_layers():
                if isinstance(model, Quantizing):   # what was compiled reads the variables of before
                    model._programs, model._short_ways = {}, {}


def _quantize_layers(model, mode, config, filters, type_check=True, **kwargs):
    """See Model.quantize."""
    where = f"model {model.name!r}: quantize"
    check_keywords(where, kwargs, ("mode", "config", "filters", "type_check"))
    config = config_for(mode, config)
    patterns = [filters] if isinstance(filters, str) else filters
    if patterns is not None and not callable(patterns) and not isinstance(patterns, (list, tuple)):
        raise ValueError(f"{where}: expected filters to be a regular expression, several or a function, received "
                         f"{filters!r}")
    quantize = _refusals_as_warnings(type_check, config)
    if isinstance(config, SampledConfig):
        before, blocks = _structure(model, config, where)
        _quantize_by_samples(before, blocks, config, functools.partial(_is_meant, patterns=patterns), quantize)
        return
    for layer in model._all_layers():
        if type(layer).quantize is not Layer.quantize and not layer._sublayers() and _is_meant(layer, patterns):
            quantize(layer)


def _refusals_as_warnings(type_check, config):
    def quantize(layer, **known):
        try:
            if known:
                layer._quantize(config, type_check, **known)
            else:
                layer.quantize(type_check=type_check, config=config)
        except NotImplementedError as error:
            warn_at_user(str(error))
    return quantize


def _is_meant(layer, patterns) -> bool:
    if patterns is None or callable(patterns):
        return patterns is None or bool(patterns(layer))
    return any(re.search(p, name) for p in patterns for name in {layer.name, layer.path or layer.name})


# --- by samples ---------------------------------------------------------------------------------------------------


def _structure(model, config, where) -> tuple:
    """(layers before the blocks, blocks) of a model."""
    found = config.quantization_layer_structure or model.get_quantization_layer_structure(config.mode)
    if not isinstance(found, dict) or not found.get("sequential_blocks"):
        raise ValueError(f"{where}: expected a dict of pre_block_layers and sequential_blocks, as the config's "
                         "quantization_layer_structure or by the model's get_quantization_layer_structure(), received "
                         f"{found!r}")
    if config.dataset is None or config.tokenizer is None:
        raise ValueError(f"{where}: expected a {type(config).__name__} with a dataset and a tokenizer, received "
                         f"dataset={config.dataset!r}, tokenizer={config.tokenizer!r}")
    return found.get("pre_block_layers") or [], found["sequential_blocks"]


def _quantize_by_samples(before, blocks, config, is_meant, quantize):
    """Block by block: what its layers are given is watched, then they are quantized; the next block is given what the
    quantized one makes."""
    samples = [functools.reduce(lambda x, layer: layer(x), before, ops.convert_to_tensor(x))
               for x in config._samples()]
    for block in blocks:
        samples = [ops.expand_dims(x, 0) if len(x.shape) == 2 else x for x in samples]
        layers = [la for la in block._all_layers() if isinstance(la, Quantizable) and config.mode in la._modes
                  and not la._sublayers() and is_meant(la)]
        with _layer_by_layer():
            known = _watched(block, layers, samples, config)
            for layer in layers:
                quantize(layer, statistics=known.get(layer))
            if block is not blocks[-1]:
                samples = [_first(block(x)) for x in samples]


@contextlib.contextmanager
def _layer_by_layer():
    """Models in models run their layers in Python, where they can be watched."""
    before = settings.functions_run_eagerly()
    settings.run_functions_eagerly(True)
    try:
        yield
    finally:
        settings.run_functions_eagerly(before)


def _watched(block, layers, samples, config) -> dict:
    """{layer: statistics of its inputs}."""
    known = {}   # layers that the block does not call have none

    def watch(layer, call):
        @functools.wraps(call)
        def watched(inputs, *args, **kwargs):
            x = np.asarray(ops.convert_to_numpy(inputs), "float32")
            if not np.isfinite(x).all():
                raise ValueError(f"layer {layer.name!r}: expected finite inputs on the samples, received others")
            rows = layer._as_rows(x)
            known.setdefault(layer, config._statistics(rows.shape[-1])).take(rows)
            return call(inputs, *args, **kwargs)
        return watched
    try:
        for layer in layers:
            layer.call = watch(layer, layer.call)
        for x in samples:
            block(x)
    finally:
        for layer in layers:
            layer.__dict__.pop("call", None)
    return known


def _first(outputs):
    return outputs[0] if isinstance(outputs, (list, tuple)) else outputs
