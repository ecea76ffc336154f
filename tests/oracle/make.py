"""Write Keras's answers to the cases into tests/data/training.npz.

    KERAS_BACKEND=jax python tests/oracle/make.py       in an environment with Keras 3.15.1 (never a dependency)
"""
import os
import sys
import warnings
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")
sys.path.insert(0, str(Path(__file__).parent))
warnings.filterwarnings("ignore")

import keras
import numpy as np
from cases import all_cases

answers = {}
for name, run in all_cases().items():
    try:
        answers[name] = run(keras).astype("float32")
    except Exception as error:
        print(f"{name}: Keras itself fails: {type(error).__name__}: {str(error)[:100]}")
path = Path(__file__).parents[1] / "data" / "training.npz"
np.savez_compressed(path, **{k.replace("/", "|"): v for k, v in answers.items()})
print(f"{len(answers)} answers of Keras {keras.__version__} in {path}, {path.stat().st_size} bytes")
