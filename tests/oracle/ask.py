"""Write Keras's answers to the cases of modules here into tests/data: name -> function of the library, in all_cases().

    KERAS_BACKEND=tensorflow python tests/oracle/ask.py semantics    in an environment with Keras 3.15.1 (no dependency)
"""
import importlib
import sys
import warnings
from pathlib import Path

import numpy as np


def main(names):
    sys.path.insert(0, str(Path(__file__).parent))
    warnings.filterwarnings("ignore")
    keras = importlib.import_module("keras")
    for name in names:
        cases = importlib.import_module(name).all_cases()
        answers = {}
        for case, run in cases.items():
            try:
                answers[case.replace("/", "|")] = np.asarray(run(keras))
            except Exception as error:
                error.add_note(f"in case {case}")
                raise
        path = Path(__file__).parents[1] / "data" / f"{name}.npz"
        np.savez_compressed(path, **answers)
        print(f"{len(answers)} answers of Keras {keras.__version__} in {path}, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
