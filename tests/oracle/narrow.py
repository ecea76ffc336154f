"""Operations on floats of 16 bits, as Keras has them: values and dtypes.

    KERAS_BACKEND=tensorflow python tests/oracle/ask.py narrow
"""
import numpy as np

RNG = np.random.default_rng(3)
INPUTS = {"x": RNG.normal(size=(3, 5)), "y": RNG.normal(size=(3, 5)), "p": RNG.uniform(0.2, 3, (3, 5)),
          "w": RNG.normal(size=(5, 4)), "m": RNG.normal(size=(2, 6, 6, 3)), "k": RNG.normal(size=(3, 3, 3, 4))}
DTYPES = ("bfloat16", "float16")
EXACT = """o.exp(x); o.log(p); o.sqrt(p); o.tanh(x); o.sigmoid(x); o.relu(x); o.square(x); o.rsqrt(p); o.sin(x)
o.cos(x); o.erf(x); o.abs(x); o.negative(x); o.floor(x); o.round(p); o.sign(x); o.sum(x, axis=1); o.max(x)
o.mean(x, axis=0); o.min(x, axis=0); o.prod(p, axis=1); o.softmax(x); o.log_softmax(x); x + y; x - y; x * y; x / p
o.maximum(x, y); o.minimum(x, y); x * 2.5; x + 1; o.power(p, y); o.matmul(x, w); o.dot(x, w)
o.einsum("ij,jk->ki", x, w); o.tensordot(x, w, axes=1); o.where(x > 0, x, y); o.concatenate([x, y]); o.sort(x)
o.take(x, [0, 2], axis=1); o.clip(x, -0.5, 0.5); o.argmax(x, axis=1); o.cast(p, "int32"); o.cast(x, "float32")
o.one_hot([0, 2], 4, dtype=d); o.zeros_like(x); o.transpose(x); o.max_pool(m, 2); o.average_pool(m, 2)
o.conv(m, k, padding="same"); o.conv(m, k, strides=2); o.top_k(x, 2)[0]; o.relu6(p); o.expm1(x); o.log1p(p)
o.sum(x > 0); o.isnan(x); x > y; o.equal(x, x); o.full((2,), 0.1, d); o.arange(5, dtype=d); o.nan_to_num(x)
o.add(x, o.ones((3, 5), "float32")); o.add(x, o.ones((3, 5), "int32")); o.add(x, o.ones((3, 5), "float16"))
o.segment_sum(x, o.convert_to_tensor([0, 1, 0]), 2); o.flip(x, axis=1); o.linspace(o.cast(0, d), 3, 4); o.logical_not(x)
o.hard_sigmoid(x)"""
LOOSE = """o.gelu(x, approximate=False); o.silu(x); o.softplus(x); o.elu(x); o.selu(x); o.logsumexp(x, axis=1)
o.var(x, axis=1); o.std(x, axis=1); o.norm(p); o.cumsum(x, axis=1); o.leaky_relu(x); o.gelu(x); o.mean(m)
o.normalize(x); o.swish(x); o.softsign(x); o.tan(x); o.arctan(x); o.sinh(x); o.log10(p); o.log2(p)"""


def expressions(text) -> list:
    return [e.strip() for line in text.split("\n") for e in line.split("; ")]


def evaluate(library, expression, dtype):
    """The expression's value in that library: o are its ops, d is the dtype."""
    names = {name: library.ops.cast(array.astype("float32"), dtype) for name, array in INPUTS.items()}
    return eval(expression, {"o": library.ops, "d": dtype, **names})


def all_cases() -> dict:
    found = {}
    for expression in expressions(EXACT) + expressions(LOOSE):
        for dtype in DTYPES:
            def value(keras, expression=expression, dtype=dtype):
                return np.asarray(keras.ops.cast(evaluate(keras, expression, dtype), "float32"))

            def kind(keras, expression=expression, dtype=dtype):
                return keras.backend.standardize_dtype(evaluate(keras, expression, dtype).dtype)
            found[f"{dtype} {expression}"], found[f"{dtype} {expression} dtype"] = value, kind
    return found
