"""Sums of arrays of many sizes and dtypes: `mpiexec -n 3 python sums.py`."""
import numpy as np

from kgraph.compiler.loopnest.dtypes import numpy_dtype
from kgraph.distribution.start import world

here = world()
given = [np.random.default_rng((here.rank, i)).normal(size=n).astype(numpy_dtype(dtype)) for i, (n, dtype) in enumerate(
    [(0, "float32"), ((), "float64"), ((3, 5), "float32"), (40_000, "float32"), (50_001, "float64"), (7, "int32"),
     (90_000, "bfloat16"), (300_000, "float32")])]
how = ["sum", "max", "sum", "sum", "min", "sum", "sum", "sum"]
results = [np.empty_like(a) for a in given]
here.exchange(given, how, results)
everybody = here.gather((given, results))
if here.rank == 0:
    reference = {"sum": lambda xs: sum(x.astype("float64") for x in xs), "max": lambda xs: np.max(xs, 0),
                 "min": lambda xs: np.min(xs, 0)}
    for i, h in enumerate(how):
        wanted = reference[h]([given[i] for given, _ in everybody])
        for _, results in everybody:
            np.testing.assert_array_equal(results[i], everybody[0][1][i])
        narrow = here.wire and given[i].dtype == "float32" and given[i].size > 20_000
        loose = given[i].dtype.name == "bfloat16" or narrow
        error = np.abs(everybody[0][1][i].astype("float64") - wanted).max(initial=0)
        assert error <= (0.05 if loose else 1e-5), (i, error)
        assert not loose or error > 0
    print("as they should be")
