"""format="c" and "bundle" on this machine: what the library gives has the bits of what predict gives."""
import ctypes
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import threading

import numpy as np
import pytest
from export_models import MODELS, floats, mlp, narrow, with_random_weights

import kgraph
from kgraph import Input, Model, Sequential, ops, tree
from kgraph import layers as L
from kgraph.export import targets
from kgraph.export.loader import digest_of

pytestmark = pytest.mark.skipif(importlib.util.find_spec("ziglang") is None or not shutil.which("cc"),
                                reason="there is no Zig, or no C compiler")


def equal(a, b):
    assert type(a) is type(b) and (not isinstance(a, dict) or list(a) == list(b))
    for x, y in zip(tree.flatten(a), tree.flatten(b), strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """(the model of digits, its folder as C)"""
    kgraph.utils.set_random_seed(1)
    model, path = mlp(), tmp_path_factory.mktemp("c") / "digits"
    model.export(path, format="c")
    return model, path


@pytest.mark.parametrize("name", MODELS)
def test_predictions_have_the_same_bits(name, tmp_path):
    make, inputs = MODELS[name]
    model, rng = with_random_weights(make()), np.random.default_rng(2)
    model.export(tmp_path / name, format="bundle")
    bundle = kgraph.load_bundle(tmp_path / name, threads=1)
    for rows in (3, 1, 37, 3):
        x = inputs(rng, rows)
        equal(bundle.predict(x), model.predict(x, verbose=0))
    assert tree.flatten(bundle.predict(inputs(rng, 0)))[0].shape[0] == (3 if name == "stateful" else 0)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_floats_of_16_bits(dtype, tmp_path):
    """NumPy has no bfloat16: a bundle takes and gives float32 for it."""
    model, x = with_random_weights(narrow(dtype)()), floats(6)(np.random.default_rng(1), 5)
    x[0, :3] = np.inf, np.nan, 1e-40
    model.export(tmp_path / "m", format="bundle")
    bundle = kgraph.load_bundle(tmp_path / "m", threads=1)
    for a, b in zip(bundle.predict(x), model.predict(x, verbose=0), strict=True):
        assert a.dtype == ("float16" if b.dtype == "float16" else "float32")
        np.testing.assert_array_equal(a.astype("float32"), b.astype("float32"))
    known = {v.path: v.numpy() for v in model.weights}
    for path, w in bundle.weights().items():
        np.testing.assert_array_equal(w, known[path].astype(w.dtype))
    with pytest.raises(ValueError, match=f"received {dtype}: end with a layer of dtype float32"):
        model.export(tmp_path / "n", format="web")


def test_an_infinite_scale_is_not_folded_into_weights(tmp_path):
    model, x = Sequential([Input((2,)), L.Dense(2), L.BatchNormalization()]), np.zeros((3, 2), "float32")
    model.layers[1].gamma.assign([np.inf, 1.0])
    model.layers[0].kernel.assign(np.eye(2))
    x[:2, 0] = 1, -1
    model.export(tmp_path / "m", format="bundle")
    equal(kgraph.load_bundle(tmp_path / "m").predict(x), model.predict(x, verbose=0))


def test_states_begin_as_they_were_and_can_be_reset(tmp_path):
    make, inputs = MODELS["stateful"]
    model, x = make(), inputs(np.random.default_rng(1), 3)
    model.export(tmp_path / "m", format="bundle")
    bundle = kgraph.load_bundle(tmp_path / "m", threads=1)
    first, second = bundle.predict(x), bundle.predict(x)
    assert (first != second).any()
    bundle.reset()
    equal(bundle.predict(x), first)
    equal(model.predict(x, verbose=0), first)


@pytest.mark.parametrize("threads", [1, 3])
def test_a_training_step_has_the_same_bits(tmp_path, threads):
    """Losses, metrics and weights: with dropout, moving statistics, a schedule, and short batches."""
    model = Sequential([Input((64,)), L.Dense(32, "relu"), L.Dropout(0.3), L.BatchNormalization(), L.Dense(10)])
    rate = kgraph.optimizers.schedules.ExponentialDecay(0.01, 3, 0.5)
    model.compile(kgraph.optimizers.Adam(rate), kgraph.losses.SparseCategoricalCrossentropy(from_logits=True),
                  metrics=["accuracy"])
    rng = np.random.default_rng(1)
    x, y = floats(64)(rng, 37), rng.integers(0, 10, 37).astype("int32")
    model.train_on_batch(x, y)
    before = model.get_metrics_result()
    model.export(tmp_path / "m", format="bundle", which="train")
    assert model.get_metrics_result() == before
    bundle = kgraph.load_bundle(tmp_path / "m", threads)
    model.reset_metrics()
    for rows in (37, 3, 1, 37):
        wanted = model.train_on_batch(x[:rows], y[:rows], return_dict=True, reset_metrics=False)
        assert bundle.train_on_batch(x[:rows], y[:rows]) == wanted and set(wanted) == {"loss", "accuracy"}
    np.testing.assert_allclose(bundle.predict(x), model.predict(x, verbose=0), rtol=1e-5, atol=1e-6)
    for v in model.weights:
        np.testing.assert_array_equal(bundle.weights()[v.path], v.numpy())
    bundle.reset_metrics()
    again = bundle.train_on_batch(x[:3], y[:3])
    bundle.reset()
    assert again != bundle.train_on_batch(x[:3], y[:3])


def test_training_steps_that_cannot_leave(tmp_path):
    model = mlp()
    with pytest.raises(ValueError, match="which to be predict or train, received 'trian'. Did you mean 'train'"):
        model.export(tmp_path / "m", format="c", which="trian")
    with pytest.raises((ValueError, RuntimeError), match="compile"):
        model.export(tmp_path / "m", format="c", which="train")
    model.compile(kgraph.optimizers.SGD(lambda: 0.1), "mse")
    with pytest.raises(ValueError, match="learning rate that is a number or a LearningRateSchedule"):
        model.export(tmp_path / "m", format="c", which="train")
    model.compile("sgd", "mse")
    model.export(tmp_path / "m", format="c", which="train")
    text = (tmp_path / "m" / "m.h").read_text()
    assert re.search(r"int m_train\(m \*model, int64_t batch, const float \*input_0, const float \*input_1, float "
                     r"\*output\);", text) and "logs: loss" in text
    with pytest.raises(ValueError, match="no training step: export the model with which"):
        mlp().export(tmp_path / "n", format="bundle")
        kgraph.load_bundle(tmp_path / "n").train_on_batch(1)


def test_what_the_library_asks_of_others(small):
    """Nothing but libc and libm; no more than its own functions are shown."""
    library = small[1] / "lib" / "libdigits.so"
    text = subprocess.run(["nm", "-D", "--undefined-only", library], capture_output=True, text=True, check=True).stdout
    names = {line.split()[-1].partition("@")[0] for line in text.splitlines()}
    assert names <= {"malloc", "calloc", "free", "memcpy", "memset", "memcmp", "clock_gettime", "usleep", "sched_yield",
                     "sched_getaffinity", "sched_getcpu", "sched_setaffinity", "__cxa_finalize",
                     "_ITM_deregisterTMCloneTable", "_ITM_registerTMCloneTable", "__gmon_start__",
                     *(n for n in names if n.startswith("pthread_"))}
    text = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True).stdout
    assert all(line.split()[-1].startswith("digits_") for line in text.splitlines())
    assert library.stat().st_size - (small[1] / "weights.bin").stat().st_size < 300_000


def test_the_example_reads_numbers_and_prints_predictions(small, tmp_path):
    model, path = small
    subprocess.run(["cc", "-Wall", "-Werror", path / "main.c", f"-I{path}", path / "lib" / "libdigits.a", "-lm",
                    "-lpthread", "-o", tmp_path / "main"], check=True)
    x = np.random.default_rng(1).standard_normal((2, 64)).astype("float32")
    given = " ".join(repr(float(v)) for v in x.ravel())
    said = subprocess.run([tmp_path / "main"], input=given, capture_output=True, text=True, check=True).stdout
    rows = np.array([line.split() for line in said.splitlines()], "float32")
    equal(rows, np.concatenate([model.predict(x[i:i + 1], verbose=0) for i in range(2)]))


@pytest.mark.skipif(not shutil.which("valgrind"), reason="there is no valgrind")
def test_running_is_clean_and_takes_no_memory(tmp_path):
    """For a processor that valgrind knows; each sample more is no allocation more."""
    mlp().export(tmp_path / "net", format="c", target="x86-64-v3")
    subprocess.run(["cc", "main.c", "-I.", "lib/libnet.a", "-lm", "-lpthread", "-o", "main"], check=True,
                   cwd=tmp_path / "net")
    found = []
    for samples in (1, 5):
        said = subprocess.run(["valgrind", "--leak-check=full", "--error-exitcode=9", "./main"], cwd=tmp_path / "net",
                              input="0.5 " * 64 * samples, capture_output=True, text=True, check=False)
        assert said.returncode == 0 and len(said.stdout.splitlines()) == samples, said.stderr
        found.append(re.search("total heap usage: ([0-9,]+) allocs, ([0-9,]+) frees", said.stderr).groups())
    assert found[0] == found[1] and found[0][0] == found[0][1]


@pytest.mark.skipif(not shutil.which("cmake"), reason="there is no CMake")
def test_cmake_makes_the_libraries_and_the_example(small, tmp_path):
    for arguments in (["-S", small[1], "-B", tmp_path / "made"], ["--build", tmp_path / "made"]):
        subprocess.run(["cmake", *arguments], check=True, capture_output=True)
    said = subprocess.run([tmp_path / "made" / "digits_example"], input="0.5 " * 64, capture_output=True, text=True,
                          check=True).stdout
    assert len(said.split()) == 10


def test_the_header_is_c_and_cpp_and_lists_codes(small, tmp_path):
    text = (small[1] / "digits.h").read_text()
    assert re.search(r"int digits_predict\(digits \*model, int64_t batch, const float \*input, float \*output\);", text)
    assert re.search(r"input_layer\w*: float32 \[batch, 64\]", text) and "DIGITS_TOO_LARGE = 2" in text
    (tmp_path / "t.c").write_text('#include "digits.h"\nint x = DIGITS_OK;\n')
    for language in ("c", "c++"):
        subprocess.run(["cc", "-x", language, "-Wall", "-Werror", "-pedantic", "-fsyntax-only", f"-I{small[1]}",
                        tmp_path / "t.c"], check=True)


def test_codes_of_the_c_functions(small):
    library = ctypes.CDLL(str(small[1] / "lib" / "libdigits.so"))
    library.digits_message.restype = ctypes.c_char_p
    handle, size = ctypes.c_void_p(), ctypes.c_int64
    x, y = np.zeros((9, 64), "float32"), np.zeros((9, 10), "float32")
    given = [ctypes.c_void_p(a.ctypes.data) for a in (x, y)]
    assert library.digits_create(ctypes.byref(handle), size(-1), 1) == 1
    assert library.digits_create(ctypes.byref(handle), size(8), 1) == 0
    assert [library.digits_predict(handle, size(n), *given) for n in (0, 8, 9, -1, 1)] == [0, 0, 2, 1, 0]
    assert b"larger than the largest" in library.digits_message(2)
    assert library.digits_run(handle, 1, None, None, None) == 5
    assert library.digits_shape(0, 0, 1, (size * 1)(1), (size * 16)()) == -1
    library.digits_destroy(handle)


def test_threads_wait_for_one_another_and_change_no_bit(small):
    model, path = small
    x = np.random.default_rng(1).standard_normal((500, 64)).astype("float32")
    expected = kgraph.load_bundle(path, threads=1).predict(x, batch_size=500)
    bundle, wrong = kgraph.load_bundle(path, threads=3), []

    def many():
        for _ in range(5):
            if not np.array_equal(bundle.predict(x, batch_size=500), expected):
                wrong.append(1)
    threads = [threading.Thread(target=many) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_a_bundle_is_a_package_that_needs_numpy_alone(policy, tmp_path):
    """Nor does it use registers that a process has to ask the system for, as kgraph does."""
    kgraph.mixed_precision.set_global_policy(policy)
    model, x = mlp(), floats(64)(np.random.default_rng(1), 5)
    model.export(tmp_path / "digits", format="bundle", classes=list("0123456789"))
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", model.predict(x, verbose=0).astype("float32"))
    said = subprocess.run([sys.executable, "-I", "-c", f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
import numpy, digits
y = digits.predict(numpy.load({str(tmp_path / "x.npy")!r}))
assert abs(y - numpy.load({str(tmp_path / "y.npy")!r})).max() <= {0 if policy == "float32" else 0.01}
assert not [m for m in sys.modules if m.partition(".")[0] in ("kgraph", "numba", "llvmlite")]
print(digits.model().classes[3])
"""], capture_output=True, text=True, check=False)
    assert said.stdout == "3\n", said.stderr


def changed(contents):
    """One bit in the middle is another."""
    at = len(contents) // 2
    return contents[:at] + bytes([contents[at] ^ 1]) + contents[at + 1:]


def other_dtype(contents):
    """Such as would make memory too small for what is written."""
    return contents.replace(b'"dtype": "float32"', b'"dtype": "int8"')


@pytest.mark.parametrize("file", ["weights.bin", "lib/libdigits.so", "signature.json"])
@pytest.mark.parametrize("damage", [changed, lambda c: c[:-1], lambda c: c + b" x", lambda c: b"",
                                    lambda c: b"[" * 9999, other_dtype, None])
def test_a_damaged_bundle_is_refused_before_its_code_is_loaded(small, tmp_path, file, damage, monkeypatch):
    copy = tmp_path / "digits"
    shutil.copytree(small[1], copy)
    contents = (copy / file).read_bytes()
    if damage is None or damage(contents) == contents:
        (copy / file).unlink()
    else:
        (copy / file).write_bytes(damage(contents))
    monkeypatch.setattr(ctypes, "CDLL", None)
    with pytest.raises(ValueError, match="is damaged: |expected a folder"):
        kgraph.load_bundle(copy)


def test_code_for_another_processor_is_refused(small, tmp_path):
    copy = tmp_path / "digits"
    shutil.copytree(small[1], copy)
    signature = json.loads((copy / "signature.json").read_text())
    signature["libraries"][0]["features"] += ["none_has_this"]
    del signature["digest"]
    signature["digest"] = digest_of(signature)
    (copy / "signature.json").write_text(json.dumps(signature))
    with pytest.raises(ValueError, match="expected code for this processor.*export the model again"):
        kgraph.load_bundle(copy)


def test_bad_inputs_of_a_bundle(tmp_path):
    x = Input((3,), dtype="int32", name="words")
    Model(x, L.Embedding(5, 2)(x)).export(tmp_path / "m", format="bundle")
    bundle = kgraph.load_bundle(tmp_path / "m", threads=1)
    for bad, says in (([[1, 2]], r"input words of shape \(1, 3\), received \(1, 2\)"),
                      ({"word": 1}, "inputs named words"), ([1, 2, 3], r"words of shape \['B', 3\]")):
        with pytest.raises(ValueError, match=says):
            bundle.predict(bad)
    with pytest.raises(IndexError, match="index in an input is outside"):
        bundle.predict([[0, 5, 1]])
    assert bundle.predict([[0, 4, 1]]).shape == (1, 3, 2)


def test_what_cannot_leave(tmp_path):
    text = Sequential([Input((1,), dtype="string"), L.TextVectorization(vocabulary=["a"]), L.Embedding(3, 2)])
    with pytest.raises(ValueError, match=r"received 'text_vectorization.*export kgraph.Model\(\[m.get_layer"):
        text.export(tmp_path / "m", format="c")

    class Own(Model):
        def call(self, x):
            return x * 2.0
    with pytest.raises(ValueError, match="expected input_signature="):
        Own().export(tmp_path / "m", format="c")
    with pytest.raises(ValueError, match="received 'haswel'. Did you mean 'haswell'"):
        mlp().export(tmp_path / "m", format="c", target="haswel")
    for options in ({"format": "c", "target": ""}, {"format": "bundle", "cpu": []}, {"format": "bundle", "classes": 3}):
        with pytest.raises(ValueError, match="export: expected .*, received"):
            mlp().export(tmp_path / "m", **options)

    class Sorts(L.Layer):
        def call(self, x):
            return ops.convert_to_tensor(np.sort(x.numpy()))

    class Around(Model):
        def call(self, x):
            return Sorts(name="sorter")(x)
    with pytest.raises(ValueError, match="layer 'sorter' .Sorts.: expected a call.. made of kgraph.ops"):
        Around().export(tmp_path / "m", format="c", input_signature=Input((4,)))
    x = Input((3, 3))
    with pytest.raises(ValueError, match="layer 'roots': expected operations that have a kernel.*Cut the model before"):
        Model(x, L.Lambda(ops.linalg.cholesky, name="roots")(x)).export(tmp_path / "m", format="bundle")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "diary.txt").write_text("dear")
    with pytest.raises(FileExistsError, match="other things in it"):
        mlp().export(tmp_path / "own", format="c")
    assert sorted(f.name for f in tmp_path.iterdir()) == ["own"]


def test_a_model_without_a_graph(tmp_path):
    class Own(Model):
        def __init__(self):
            super().__init__()
            self.dense = L.Dense(3)

        def call(self, x):
            return self.dense(x)
    model, x = Own(), floats(4)(np.random.default_rng(1), 5)
    model.export(tmp_path / "m", format="bundle", input_signature=Input((4,)))
    equal(kgraph.load_bundle(tmp_path / "m").predict(x), model.predict(x, verbose=0))


def test_features_of_processors():
    found = {name: targets.resolve(name) for name in ("x86-64", "x86-64-v3", "x86-64-v4", "neoverse-n1", "riscv64")}
    assert [t.machine.bytes for t in found.values()] == [16, 32, 64, 16, 8]
    assert found["x86-64"].features == [] and {"avx2", "fma", "bmi1", "abm"} <= set(found["x86-64-v3"].features)
    assert "avx512f" not in found["x86-64-v3"].features and "avx512bw" in found["x86-64-v4"].features
    assert "asimddp" in found["neoverse-n1"].features and "sve" not in found["neoverse-n1"].features
