"""Models that begin with text: their tables in a bundle and in a page, and where there are none."""
import importlib.util
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from page import opened

import kgraph
from kgraph import Input, Model, Sequential
from kgraph import layers as L

pytestmark = pytest.mark.skipif(importlib.util.find_spec("ziglang") is None or not shutil.which("cc"),
                                reason="there is no Zig, or no C compiler")
TOWNS = ["a", "", "Ulm", "Bonn an", "eight by", "seventeen letters", "x" * 33, "é" * 40, "y" * 130]


def every_layer(mode="tf_idf"):
    """Text in each of the layers that take it, numbers beside it, and one layer behind another."""
    text, number = Input((1,), dtype="string", name="text"), Input((2,), name="number")
    town, code = Input((1,), dtype="string", name="town"), Input((1,), dtype="int64", name="code")
    words = L.TextVectorization(vocabulary=["good", "bad", "good film"], ngrams=2, output_mode=mode,
                                idf_weights=[1.0, 2.0, 0.5] if mode == "tf_idf" else None)(text)
    if mode == "int":
        words = L.GlobalMaxPooling1D()(L.Embedding(9, 3)(words))
    place = L.IntegerLookup(vocabulary=[3, 7], num_oov_indices=2, mask_token=5)(code)
    bins = L.Hashing(50, mask_value="")(town)
    parts = [words, number, L.StringLookup(vocabulary=["a", "Ulm"], num_oov_indices=3, output_mode="one_hot")(town),
             L.CategoryEncoding(50)(bins), L.CategoryEncoding(50)(L.Hashing(50, salt=[1, 2])(town)),
             L.HashedCrossing(5, output_mode="one_hot")([bins, place]), L.Flatten()(L.Embedding(5, 2)(place))]
    return Model([text, number, town, code], L.Dense(3)(L.Concatenate()(parts)))


def rows():
    texts = ["Good film!", "bad,  film good", "", "no\tbad\nbad", "GOOD", "Ärger bad", "a b c", "film",
             "good film " * 9]
    rng = np.random.default_rng(1)
    return [np.array(texts)[:, None], rng.standard_normal((9, 2)).astype("float32"), np.array(TOWNS)[:, None],
            np.array([3, 7, 5, 0, -1, 8, 9, 2**40, 7])[:, None]]


def opinion():
    model = Sequential([Input((), dtype="string", name="text"),
                        L.TextVectorization(vocabulary=["good", "bad", "film"], output_sequence_length=4),
                        L.Embedding(5, 2, mask_zero=True), L.GlobalAveragePooling1D(), L.Dense(2, "softmax")])
    model.set_weights([np.array([[0, 0], [0, 0], [3, -3], [-3, 3], [0, 0]], "float32"), 2 * np.eye(2), np.zeros(2)])
    return model


@pytest.mark.parametrize("mode", ["int", "multi_hot", "count", "tf_idf"])
def test_a_bundle_takes_texts(mode, tmp_path):
    model, x = every_layer(mode), rows()
    model.export(tmp_path / "m", format="bundle")
    bundle = kgraph.load_bundle(tmp_path / "m")
    assert [a["dtype"] for a in bundle.inputs] == ["string", "float32", "string", "int64"]
    wanted = model.predict(x, verbose=0)
    np.testing.assert_array_equal(bundle.predict(x), wanted)
    np.testing.assert_array_equal(bundle.predict(dict(zip(model.input_names, x)), batch_size=2), wanted)
    with pytest.raises(ValueError, match="expected texts for the input town, received an array of"):
        bundle.predict([*x[:2], np.zeros((9, 1)), x[3]])


def test_a_bundle_of_texts_is_a_package_that_needs_numpy_alone(tmp_path):
    model = opinion()
    model.export(tmp_path / "opinion", format="bundle")
    said = subprocess.run([sys.executable, "-I", "-c", f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
import opinion
print(opinion.predict(["a good film", b"bad!"])[:, 0].tolist())
assert not [m for m in sys.modules if m.partition(".")[0] in ("kgraph", "numba", "llvmlite")]
"""], capture_output=True, text=True, check=False)
    assert said.stdout, said.stderr
    np.testing.assert_array_equal(json.loads(said.stdout), model.predict(["a good film", "bad!"], verbose=0)[:, 0])
    (tmp_path / "opinion" / "tables.json").write_text("{}")
    with pytest.raises(ValueError, match="tables.json: the file is damaged"):
        kgraph.load_bundle(tmp_path / "opinion")


def test_training_from_texts_in_a_bundle(tmp_path):
    model, texts, y = opinion(), ["good", "bad film", "so so"], np.array([1, 0, 1])
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.export(tmp_path / "m", format="bundle", which="train")
    bundle = kgraph.load_bundle(tmp_path / "m", threads=1)
    for _ in range(2):
        bundle.reset_metrics()
        assert bundle.train_on_batch(texts, y)["loss"] == model.train_on_batch(texts, y)
    np.testing.assert_array_equal(bundle.predict(texts), model.predict(texts, verbose=0))
    model = every_layer()
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="'text_vectorization.*have output_mode='int' for a training step"):
        model.export(tmp_path / "n", format="bundle", which="train")


@pytest.mark.skipif(not shutil.which("node"), reason="there is no node")
def test_the_module_takes_texts(tmp_path):
    model, x = every_layer(), rows()
    folder = tmp_path / "net"
    model.export(folder, format="web")
    shutil.copyfile(folder / "net.js", folder / "net.mjs")
    (folder / "x.json").write_text(json.dumps([a.ravel().tolist() for a in x]))
    (folder / "t.mjs").write_text("""
import fs from "fs";
import {load} from "./net.mjs";
const model = await load(fs.readFileSync("net.wasm")), x = JSON.parse(fs.readFileSync("x.json"));
let message = "";
try { model.predict([[1], ...x.slice(1)]); } catch (e) { message = e.message; }
console.log(JSON.stringify([Array.from(model.predict(x)[0]), message]));
""")
    said = subprocess.run(["node", "t.mjs"], cwd=folder, capture_output=True, text=True, check=True).stdout
    values, message = json.loads(said)
    np.testing.assert_allclose(np.reshape(values, (9, 3)), model.predict(x, verbose=0), rtol=2e-5, atol=2e-6)
    assert message == "expected texts for text, received 1"


TYPE = """
<script type="module">
while (document.body.dataset.ready !== "yes") await new Promise(r => setTimeout(r, 10));
const area = document.querySelector("textarea");
for (const [name, text] of [["first", "Bad, bad film!"], ["second", "a GOOD film"]]) {
  area.value = text;
  area.dispatchEvent(new Event("input", {bubbles: true}));
  document.body.dataset[name] = document.querySelector("tr.best td").textContent;
}
</script>
"""


def test_the_page_takes_text_in_a_form(tmp_path):
    said = opened(opinion(), tmp_path, TYPE, classes=["praise", "blame"])
    assert 'data-first="blame"' in said and 'data-second="praise"' in said


def test_text_that_tables_cannot_read(tmp_path):
    def of(layer):
        x = Input((1,), dtype="string", name="x")
        return Model(x, L.Embedding(5, 2)(layer(x)))
    upper = L.TextVectorization(vocabulary=["A"], standardize=np.char.upper, name="upper")
    for format in ("bundle", "web", "c"):
        says = "received 'upper', which look up" if format == "c" else "'upper'.*by name, received a function"
        with pytest.raises(ValueError, match=says):
            of(upper).export(tmp_path / "m", format=format)
    with pytest.raises(ValueError, match="expected None for model .*which begins with text"):
        opinion().export(tmp_path / "m", format="bundle", input_signature=[Input((1,), dtype="string")])
    with pytest.raises(ValueError, match="'text_vectorization.*expected a vocabulary, or adapt"):
        of(L.TextVectorization()).export(tmp_path / "m", format="bundle")
    assert not list(tmp_path.iterdir())


def test_the_message_of_c_says_how_to_cut(tmp_path):
    m, texts = opinion(), ["good film", "bad"]
    name = m.layers[0].name
    with pytest.raises(ValueError, match=rf"get_layer\('{name}'\).output\], m.outputs\).*what m.get_layer\('{name}'\)"):
        m.export(tmp_path / "m", format="c")
    rest = kgraph.Model([m.get_layer(name).output], m.outputs)
    rest.export(tmp_path / "m", format="c")
    found = kgraph.load_bundle(tmp_path / "m").predict(np.asarray(m.get_layer(name)(texts)))
    np.testing.assert_array_equal(found, m.predict(texts, verbose=0))
