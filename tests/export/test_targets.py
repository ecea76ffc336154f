"""Libraries for other machines: linked by Zig, run by emulators; and those without threads and memory of the system."""
import re
import shutil
import subprocess

import numpy as np
import pytest
from emulated import QEMU, ZIG, predicts_the_same_elsewhere
from export_models import MODELS, wide, with_random_weights

import kgraph

NAMES = ["mlp", "wide", "convolutions", "transformer"]


@pytest.mark.parametrize("target", QEMU)
@pytest.mark.parametrize("name", NAMES)
def test_other_machines_predict_the_same(name, target, tmp_path):
    if target == "neoverse-n1" and name != "mlp":
        pytest.skip("once")
    make, inputs = MODELS[name]
    model = with_random_weights(make())
    predicts_the_same_elsewhere(model, [inputs(np.random.default_rng(1), 3)], target, tmp_path)


@pytest.mark.skipif(not (ZIG and shutil.which("cc")), reason="there is no Zig, or no C compiler")
def test_without_threads_and_memory_of_the_system(tmp_path):
    model = wide()
    model.export(tmp_path / "net", format="c", static_memory=True, batch=2)
    text = subprocess.run(["nm", "-D", "--undefined-only", tmp_path / "net/lib/libnet.so"], capture_output=True,
                          text=True, check=True).stdout
    assert not [word for word in ("alloc", "pthread", "free") if word in text]
    size = re.search("#define NET_ARENA_BYTES ([0-9]+)", (tmp_path / "net/net.h").read_text())[1]
    assert int(size) < 1_500_000
    x = np.random.default_rng(1).standard_normal((5, 300)).astype("float32")
    bundle = kgraph.load_bundle(tmp_path / "net")
    for found, wanted in zip(bundle.predict(x, batch_size=2), model.predict(x, batch_size=2, verbose=0), strict=True):
        np.testing.assert_array_equal(found, wanted)
    with pytest.raises(ValueError, match="not enough memory"):
        kgraph.load_bundle(tmp_path / "net").predict(x)
