"""Run by test_cache in processes of its own: every function of the language and every native routine."""
import sys

import numpy as np

UNARY = ("exp expm1 log log1p sqrt rsqrt tanh sigmoid erf sin cos tan asin acos atan sinh cosh asinh acosh atanh floor "
         "ceil rint abs sign").split()
BINARY = "maximum minimum pow remainder floordiv atan2".split()


def run():
    """What was compiled or loaded, whether Numba was imported, and a digest of the results."""
    from plans import evaluate, kernel, plan, value

    from kgraph.codegen import functions
    from kgraph.compiler.plan import Symbol
    from kgraph.runtime import thread_pool
    from kgraph.runtime.executable import Executable
    thread_pool.set_num_threads(2)
    results = []
    for dtype in ("float32", "float64"):
        short = {"float32": "f32", "float64": "f64"}[dtype]
        x = np.linspace(0.1, 0.9, 37).astype(dtype)
        text = " + ".join([f"{f}(x0)" for f in UNARY if f != "acosh"] + ["acosh(x0 + x0 / x0)"])
        results.append(evaluate(text, x, dtype=dtype))
        results.append(evaluate(" + ".join(f"{f}(x0, x1)" for f in BINARY), x, x[::-1], dtype=dtype))
        a, b, c = value((130, 70), dtype), value((70, 50), dtype), value((130, 50), dtype)
        body = (f"s = {a.type.itemsize}\ngemm(word(args, 3), hi - lo, 50, 70, word(args, 0) + s * lo * 70, 70, 1, "
                "word(args, 1), 50, 1, word(args, 2) + s * lo * 50, 50, 0, scratch)")
        step = kernel(body, (a, b, c, Symbol(f"gemm_{short}")), 130, work=10**9)
        rng = np.random.default_rng(0)
        arrays = [rng.normal(size=v.shape).astype(dtype) for v in (a, b)]
        results.append(Executable(plan([step], [a, b], [c])).run(arrays)[0])
        np.testing.assert_allclose(results[-1], arrays[0] @ arrays[1], rtol=1e-3, atol=1e-4)
    for dtype in ("int32", "uint8"):
        x = np.arange(1, 30).astype(dtype)
        results.append(evaluate(" + ".join(f"{f}(x0, x1)" for f in BINARY if f != "atan2").join(
            (f"{'i32' if dtype == 'int32' else 'u8'}(", ")")), x, x[::-1], dtype=dtype))
    return {"how": [r.how for r in functions.records],
            "imported": [n for n in ("numba", "llvmlite") if n in sys.modules],
            "results": [float(np.float64(r.sum())) for r in results]}
