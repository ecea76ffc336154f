"""Write what the programs of tests/programs/scripts print under real Keras into tests/data/programs.json.

    python tests/oracle/programs.py [NAME ...]   in an environment with Keras 3.15.1, TensorFlow and tf_keras

Programs for Keras 3 run under it, those for Keras 2 under tf_keras; of a program for Keras 1 the twin of the same name
in tests/oracle/keras1, translated to the words of Keras 2 by hand. With names only those are asked again.
"""
import contextlib
import io
import json
import os
import runpy
import subprocess
import sys
import traceback
from pathlib import Path

TESTS = Path(__file__).parents[1]
SCRIPTS = TESTS / "programs" / "scripts"
DATA = TESTS / "data" / "programs.json"


def main(names):
    sys.path.insert(0, str(SCRIPTS.parent))
    found = json.loads(DATA.read_text()) if names else {}
    for version in ("keras1", "keras2", "keras3"):
        paths = [p for p in sorted((SCRIPTS / version).glob("*.py")) if not names or p.stem in names]
        if paths:
            found.update(_ask(version, paths))
    DATA.write_text(json.dumps(found, indent=0, sort_keys=True) + "\n")


def _ask(version, paths) -> dict:
    """The values of these programs, from a process of their own."""
    if version == "keras1":
        paths = [TESTS / "oracle" / "keras1" / p.name for p in paths]
    old = "" if version == "keras3" else "1"
    env = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_USE_LEGACY_KERAS": old, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([sys.executable, __file__, "--here", *map(str, paths)], env=env, stdout=subprocess.PIPE)
    return {f"{version}/{name}": values for name, values in json.loads(done.stdout or b"{}").items()}


def here(paths):
    """Run programs in this process."""
    if os.environ["TF_USE_LEGACY_KERAS"]:
        import tensorflow  # noqa: F401  which looks for Keras 3 first
        import tf_keras as keras
        for name in [n for n in sys.modules if n.partition(".")[0] == "keras"]:
            del sys.modules[name]
        sys.modules["keras"] = keras
    else:
        import keras
    found = {}
    for path in map(Path, paths):
        keras.backend.clear_session()
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                runpy.run_path(str(path), run_name="__main__")
            found[path.stem] = values_of(printed.getvalue())
        except Exception:
            print(f"--- {path}\n{traceback.format_exc()[-1500:]}", file=sys.stderr)
    print(json.dumps(found))


def values_of(printed: str) -> list:
    """The numbers of the last line that says "values:"."""
    line = [x for x in printed.splitlines() if x.startswith("values:")][-1]
    return [float(x) for x in line.split()[1:]]


if __name__ == "__main__":
    here(sys.argv[2:]) if sys.argv[1:2] == ["--here"] else main(sys.argv[1:])
