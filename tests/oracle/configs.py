"""The config of each object of config_uses.txt, as Keras writes it.

    KERAS_BACKEND=tensorflow python tests/oracle/configs.py     in an environment with Keras 3.15.1 (no dependency)

writes tests/data/configs.json.xz. Layers are asked with an activity regularizer and with channels first too, where
Keras takes these.
"""
from __future__ import annotations

import importlib
import json
import lzma
from pathlib import Path

HERE = Path(__file__).parents[1]
USES = (Path(__file__).parent / "config_uses.txt").read_text().splitlines()
MORE = ("activity_regularizer=K.regularizers.L2(0.1)", "data_format='channels_first'")


def variants(use: str) -> list:
    """A use with further arguments."""
    if not use.startswith("L."):
        return [use]
    comma = "" if use.endswith("()") else ", "
    return [use, *(f"{use[:-1]}{comma}{more})" for more in MORE)]


def config_of(K, use: str):
    """What the object of a use is written as: its class and its config, as JSON has them; but for automatic names."""
    x = eval(use, {"K": K, "L": K.layers})
    config = json.loads(json.dumps(K.saving.serialize_keras_object(x)))
    config.get("config", {}).pop("name", None)
    return config


def main():
    keras = importlib.import_module("keras")
    found = {}
    for use in [more for one in USES for more in variants(one)]:
        try:
            found[use] = config_of(keras, use)
        except Exception as error:
            if use in USES:
                print("FAILS", use, str(error)[:200])
    (HERE / "data" / "configs.json.xz").write_bytes(lzma.compress(json.dumps(found).encode(), preset=9))
    print(len(found), "configs of Keras", keras.__version__)


if __name__ == "__main__":
    main()
