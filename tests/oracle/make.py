"""Write Keras's answers to the cases into tests/data/training.npz.

    KERAS_BACKEND=jax python tests/oracle/make.py       in an environment with Keras 3.15.1 (never a dependency)
"""
import importlib
import sys
import warnings
from pathlib import Path

import numpy as np


def main():
    sys.path.insert(0, str(Path(__file__).parent))
    warnings.filterwarnings("ignore")
    keras = importlib.import_module("keras")
    cases = importlib.import_module("cases").all_cases()
    answers = {name.replace("/", "|"): run(keras).astype("float32") for name, run in cases.items()}
    path = Path(__file__).parents[1] / "data" / "training.npz"
    np.savez_compressed(path, **answers)
    print(f"{len(answers)} answers of Keras {keras.__version__} in {path}, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
