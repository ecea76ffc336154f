"""Makes tests/data/gptq.npz, gptq.keras and awq.keras with Keras 3.15.1:

    KERAS_BACKEND=tensorflow python tests/oracle/gptq.py tests/data

Three faults of that release are mended here, as later ones have it (its pull requests 23321 and 23512): layers that are
quantized do not see the samples, files lack the zero points, and where samples begin is drawn at random.
"""
import contextlib
import sys
from pathlib import Path

import numpy as np

WIDTH, HEADS, SIZE, INNER, WORDS, LENGTH, SAMPLES = 30, 3, 8, 45, 20, 8, 6
CONFIGS = {   # of models: class, arguments, whether the blocks have attention layers
    "gptq": ("GPTQConfig", {"group_size": 16}, False),
    "order": ("GPTQConfig", {"group_size": 15, "activation_order": True}, False),
    "eight": ("GPTQConfig", {"weight_bits": 8, "group_size": -1, "symmetric": True}, True),
    "three": ("GPTQConfig", {"weight_bits": 3, "group_size": 128, "per_channel": False, "hessian_damping": 0.1}, False),
    "awq": ("AWQConfig", {"group_size": 16}, False),
    "columns": ("AWQConfig", {"group_size": -1, "num_grid_points": 7}, True),
}


def block(K, number, attention):
    """A transformer's block, more or less."""
    layers, x = K.layers, K.Input((LENGTH, WIDTH))
    name = lambda end: f"b{number}_{end}"
    if attention:
        y = layers.MultiHeadAttention(HEADS, SIZE, name=name("attention"))(x, x)
    else:
        y = layers.EinsumDense("abc,cde->abde", (None, HEADS, SIZE), bias_axes="de", name=name("heads"))(x)
        y = layers.EinsumDense("abde,dec->abc", (None, WIDTH), activation="tanh", name=name("joined"))(y)
    y = h = layers.Add(name=name("first"))([x, y])
    y = layers.Dense(INNER, "relu", name=name("inner"))(y)
    y = layers.Dense(WIDTH, use_bias=False, name=name("outer"))(y)
    return K.Model(x, layers.Add(name=name("second"))([h, y]), name=f"b{number}")


def model(K, attention):
    """(a model with weights, its layers before the blocks, its blocks)"""
    ids = K.Input((LENGTH,), dtype="int32")
    table, blocks = K.layers.Embedding(WORDS, WIDTH, name="table"), [block(K, i, attention) for i in range(2)]
    x = table(ids)
    for one in blocks:
        x = one(x)
    m = K.Model(ids, K.layers.Dense(4, name="head")(x))
    for i, w in enumerate(m.weights):
        rng = np.random.default_rng(i)
        spread = rng.uniform(0.2, 4, WIDTH) if w.shape == (WORDS, WIDTH) else 0.4
        value = rng.uniform(-1, 1, tuple(w.shape)) * spread
        place = np.indices(value.shape)[int(value.shape == (HEADS, SIZE, WIDTH))] % 4
        w.assign(np.select([place == 0, place == 1], [np.abs(value), -np.abs(value)], value))   # groups of both signs
    return m, [table], blocks


def ids(number, rows):
    return np.random.default_rng(number).integers(0, WORDS, (rows, LENGTH)).astype("int32")


class Tokens:
    def tokenize(self, text):
        return np.array([ord(c) % WORDS for c in text], "int32")


def quantized(K, name):
    """A model quantized by samples; the head stays real."""
    cls, arguments, attention = CONFIGS[name]
    m, before, blocks = model(K, attention)
    config = getattr(K.quantizers, cls)(dataset=list(ids(5, SAMPLES)), tokenizer=Tokens(), sequence_length=LENGTH,
                                        num_samples=SAMPLES, quantization_layer_structure={
                                            "pre_block_layers": before, "sequential_blocks": blocks}, **arguments)
    m.quantize(config.mode, config=config, filters=lambda la: la.name not in ("head", "table"))
    return m


def stored(m) -> dict:
    """{layer and number: what files hold}, of the layers that are quantized."""
    found = {}
    for layer in getattr(m, "_flatten_layers", getattr(m, "_all_layers", None))():
        if getattr(layer, "quantization_mode", None) is not None:
            store = {}
            layer.save_own_variables(store)
            found |= {f"{layer.path}:{k}": np.asarray(v) for k, v in store.items()}
    return found


@contextlib.contextmanager
def listening(layers, statistics):
    """The layers of a block tell their inputs."""
    for name, layer in layers.items():
        def heard(x, call=layer.quantized_call, own=statistics[name]):
            take = getattr(own, "update_hessian_with_batch", None) or own.update_activation_magnitudes
            take(keras.ops.reshape(x, (-1, own.rows)))
            return call(x)
        layer.quantized_call = heard
    yield
    for layer in layers.values():
        del layer.quantized_call


def mend_keras():
    from keras.src.quantizers import awq_core, gptq_core
    gptq_core.hash = lambda x: 0
    gptq_core.stream_hessians = awq_core.stream_activations = listening
    for cls in (keras.layers.Dense, keras.layers.EinsumDense):
        real = cls._get_kernel_with_merged_lora
        cls._get_kernel_with_merged_lora = lambda self, real=real: (
            real(self) if self.quantization_mode is None else (None, None, self.kernel_zero))


if __name__ == "__main__":
    import keras
    mend_keras()
    folder, data = Path(sys.argv[1]), {}
    for name in CONFIGS:
        m = quantized(keras, name)
        data |= {f"{name}|{k}": v for k, v in stored(m).items() if k.startswith("b1")}   # b0 decides about it
        data[f"{name}|y"] = m.predict(ids(9, 3), verbose=0)
        wrong = [k for k, v in data.items() if k.startswith(name) and v.dtype == np.uint8 and v.ndim == 2
                 and v.shape[1] < 8 and v.max() > 2 ** (CONFIGS[name][1].get("weight_bits", 4))]
        assert not wrong, f"Keras gets groups of weights above zero wrong; here of {wrong}"
        for layer in m._flatten_layers():
            if getattr(layer, "quantization_config", None) is not None:
                layer.quantization_config.quantization_layer_structure = None   # has no end, written out
        if name in ("gptq", "awq"):
            m.save(folder / f"{name}.keras")
    np.savez_compressed(folder / "gptq.npz", **data)
