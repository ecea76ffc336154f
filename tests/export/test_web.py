"""format="web": the module in node, the page in Chromium."""
import importlib.util
import re

import numpy as np
import pytest
from emulated import predicts_the_same_in_node
from export_models import MODELS, with_random_weights
from page import opened

import kgraph
from kgraph import Input, Sequential
from kgraph import layers as L

pytestmark = pytest.mark.skipif(importlib.util.find_spec("ziglang") is None, reason="there is no Zig")


@pytest.mark.parametrize("name", ["mlp", "wide", "convolutions", "recurrent", "two_inputs", "transformer"])
def test_the_module_predicts_the_same(name, tmp_path):
    make, inputs = MODELS[name]
    predicts_the_same_in_node(with_random_weights(make()), inputs(np.random.default_rng(1), 3), tmp_path)


DRAW = """
<script type="module">
while (document.body.dataset.ready !== "yes") await new Promise(r => setTimeout(r, 10));
const canvas = document.getElementById("canvas"), box = canvas.getBoundingClientRect();
const send = (kind, x, y) => canvas.dispatchEvent(new PointerEvent(kind, {bubbles: true,
  clientX: box.left + x * box.width, clientY: box.top + y * box.height}));
const points = Array.from({length: 25}, (_, i) => [0.5 - 0.23 * Math.sin(i / 24 * 2 * Math.PI),
  0.47 - 0.38 * Math.cos(i / 24 * 2 * Math.PI)]);
send("pointerdown", ...points[0]);
points.forEach(p => send("pointermove", ...p));
send("pointerup", 0, 0);
document.body.dataset.drawn = document.querySelector("tr.best td").textContent;
document.getElementById("target").value = "7";
for (let i = 0; i < 5; i++) document.getElementById("train").click();
document.body.dataset.trained = document.querySelector("tr.best td").textContent;
</script>
"""


def test_the_page_knows_a_digit_that_is_drawn_and_learns_another_name_for_it(tmp_path):
    (x, y), _ = kgraph.datasets.digits.load_data()
    model = Sequential([Input((8, 8, 1)), L.Rescaling(1 / 255), L.Conv2D(8, 3, activation="relu"), L.Flatten(),
                        L.Dense(32, "relu"), L.Dense(10, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    x = np.asarray(x, "float32").reshape(-1, 8, 8, 1) * (255 / np.max(x))
    model.fit(x, y, epochs=12, verbose=0)
    said = opened(model, tmp_path, DRAW, pixels=(0, 255), classes=[f"digit {i}" for i in range(10)], which="train")
    assert 'data-drawn="digit 0"' in said and 'data-trained="digit 7"' in said
    assert "one prediction: " in said and re.search("loss [0-9.]+", said)
