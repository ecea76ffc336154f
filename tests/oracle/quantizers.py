"""Makes tests/data/quantizers.npz, quantized_layers.npz, quantized.keras and *.weights.h5 with Keras 3.15.1:

    KERAS_BACKEND=tensorflow python tests/oracle/quantizers.py tests/data
"""
import sys
from pathlib import Path

import numpy as np

if __name__ == "__main__":
    import keras
    from keras import layers, quantizers
    FOLDER = Path(sys.argv[1])


def functions(rng) -> dict:
    x = rng.standard_normal((7, 37)).astype("float32")
    found = {"x": x, "n": rng.integers(-8, 8, (5, 3)).astype("int8")}
    for i, (axis, value_range) in enumerate(((-1, (-127, 127)), (0, (-8, 7)), ((0, 1), (-127, 127)))):
        found[f"abs{i}"], found[f"abs{i}_scale"] = quantizers.abs_max_quantize(x, axis, value_range=value_range)
    found["g"], found["g_scale"], found["g_zero"] = quantizers.abs_max_quantize_grouped_with_zero_point(
        x, 3, to_numpy=True)
    for axis in (0, 1):
        found[f"pack{axis}"] = quantizers.pack_int4(found["n"], axis=axis)[0]
    fake = quantizers.fake_quant_with_min_max_vars
    found["lo"], found["hi"] = (s * (np.abs(rng.standard_normal(37)).astype("float32") + 0.1) for s in (-1, 1))
    found["fq"], found["fq4"] = fake(x, -1.3, 2.1), fake(x, -1.3, 2.1, num_bits=4, narrow_range=True)
    found["fqc"] = fake(x, found["lo"], found["hi"], axis=1)
    found["f8"] = quantizers.quantize_and_dequantize(x, 0.01, "float8_e4m3fn", "float32")
    found["f8s"] = [float(quantizers.compute_float8_scale(np.float32(a), np.float32(0.5), 448.0, m))
                    for a, m in ((3, 0), (0, 0), (np.inf, 1), (2, 2))]
    found["f8h"] = quantizers.compute_float8_amax_history(x, np.arange(5, dtype="float32"))
    return found


def model(rng) -> dict:
    inputs = keras.Input((6,), dtype="int32")
    h = layers.Dense(11, "relu", name="d")(layers.Embedding(50, 37, name="e")(inputs))
    m = keras.Model(inputs, layers.Dense(3, use_bias=False, name="o")(layers.Flatten()(h)))
    for w in m.weights:
        w.assign(rng.standard_normal(w.shape) * 0.3)
    ids = rng.integers(0, 50, (9, 6)).astype("int32")
    found = {"ids": ids, "before": m.predict(ids, verbose=0), **{f"w{i}": w for i, w in enumerate(m.get_weights())}}
    m.quantize("int8")
    m.save(FOLDER / "quantized.keras")
    m.save_weights(FOLDER / "quantized.weights.h5")
    return {**found, "after": m.predict(ids, verbose=0), **{f"q{i}": w for i, w in enumerate(m.get_weights())}}


LAYERS = {  # name: (class, arguments, shape of the inputs, arguments of calls)
    "dense": ("Dense", {"units": 5}, (3, 11), [{}]),
    "embedding": ("Embedding", {"input_dim": 9, "output_dim": 11}, (3, 4), [{}]),
    "heads": ("EinsumDense", {"equation": "abc,cde->abde", "output_shape": (None, 2, 3), "bias_axes": "de"}, (2, 4, 11),
              [{}]),
    "joined": ("EinsumDense", {"equation": "abde,dec->abc", "output_shape": (None, 7), "bias_axes": "c"}, (2, 4, 3, 5),
               [{}]),
    "tied": ("ReversibleEmbedding", {"input_dim": 9, "output_dim": 11}, (3, 4), [{}, {"reverse": True}]),
    "untied": ("ReversibleEmbedding", {"input_dim": 9, "output_dim": 11, "tie_weights": False, "logit_soft_cap": 2.0},
               (3, 4), [{}, {"reverse": True}]),
}


def modes(q) -> dict:
    return {"int8": q.Int8QuantizationConfig(), "int4": q.Int4QuantizationConfig(block_size=4),
            "columns": q.Int4QuantizationConfig(block_size=-1),
            "inputs": q.Int4QuantizationConfig(activation_quantizer=q.AbsMaxQuantizer(axis=-1), block_size=None),
            "weights": q.Int8QuantizationConfig(activation_quantizer=None)}


def inputs(name, arguments, call, shape):
    rng = np.random.default_rng(9)
    if LAYERS[name][0].endswith("Embedding") and not call:
        return rng.integers(0, 9, shape).astype("int32")
    return rng.standard_normal((*shape[:-1], arguments.get("output_dim", shape[-1]))).astype("float32")


def quantized_layer(K, name, mode):
    """A layer with weights, quantized."""
    cls, arguments, shape, _ = LAYERS[name]
    layer = getattr(K.layers, cls)(**arguments)
    layer.build(shape)
    for i, v in enumerate(layer.weights):
        v.assign(np.random.default_rng(i).uniform(-1, 1, tuple(v.shape)).astype("float32"))
    layer.quantize(config=modes(K.quantizers)[mode], mode="int8" if mode in ("int8", "weights") else "int4")
    return layer


def quantized_layers(K) -> dict:
    """What files hold of each quantized layer, and its outputs; with LoRA and small weights too."""
    found = {}
    for name, (_, arguments, shape, calls) in LAYERS.items():
        for mode in modes(K.quantizers):
            if name.endswith("tied") and mode == "weights":
                continue   # Keras adds an axis
            for lora in ("", "lora_"):
                if lora and (name not in ("dense", "embedding", "heads") or mode not in ("int8", "int4")):
                    continue
                layer = quantized_layer(K, name, mode)
                if lora:
                    layer.enable_lora(2, lora_alpha=3)
                    for i, v in enumerate(layer.trainable_weights[-2:]):
                        v.assign(np.random.default_rng(i).uniform(-1, 1, tuple(v.shape)).astype("float32"))
                store = {}
                layer.save_own_variables(store)
                found |= {f"{lora}{name}_{mode}_v{k}": K.ops.convert_to_numpy(v) for k, v in store.items()}
                for i, call in enumerate(calls):
                    y = layer(inputs(name, arguments, call, shape), **call)
                    found[f"{lora}{name}_{mode}_y{i}"] = K.ops.convert_to_numpy(y)
    return found


def attention():
    """A model of all layers that are quantized, in 4 bits."""
    ids = keras.Input((6,), dtype="int32")
    table = layers.ReversibleEmbedding(20, 8, name="e")
    x = layers.MultiHeadAttention(2, 3, name="a")(table(ids), table(ids))
    m = keras.Model(ids, table(layers.Dense(8, name="d")(x), reverse=True))
    for i, w in enumerate(m.weights):
        w.assign(np.random.default_rng(i).standard_normal(w.shape) * 0.3)
    x = np.random.default_rng(1).integers(0, 20, (3, 6)).astype("int32")
    found = {"model_ids": x}
    for mode in ("int8", "int4"):
        other = keras.models.clone_model(m)
        other.set_weights(m.get_weights())
        other.quantize(mode)
        other.save_weights(FOLDER / f"attention_{mode}.weights.h5")   # a .keras of it, Keras cannot read
        found[f"model_{mode}"] = other.predict(x, verbose=0)
    return found


if __name__ == "__main__":
    rng = np.random.default_rng(5)
    np.savez_compressed(FOLDER / "quantizers.npz", **{k: np.asarray(v) for k, v in {
        **functions(rng), **model(rng)}.items()})
    np.savez_compressed(FOLDER / "quantized_layers.npz", **quantized_layers(keras), **attention())
