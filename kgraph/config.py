"""Settings of the process: the default float dtype, the fuzz factor, the image layout.

Args:
    backend: "kgraph": there is no other.

Returns:
    What has been set, or what holds by default.
"""
from __future__ import annotations

import re
import warnings

from kgraph import doors
from kgraph.compiler.loopnest.dtypes import DTYPES, numpy_dtype
from kgraph.legacy.paths import lookup

__all__ = ["backend", "disable_flash_attention", "disable_interactive_logging", "disable_traceback_filtering",
           "dtype_policy", "enable_flash_attention", "enable_interactive_logging", "enable_traceback_filtering",
           "enable_unsafe_deserialization", "epsilon", "floatx", "image_data_format", "is_flash_attention_enabled",
           "is_interactive_logging_enabled", "is_nnx_enabled", "is_traceback_filtering_enabled",
           "is_unsafe_deserialization_enabled", "keras_version", "max_epochs", "max_steps_per_epoch", "set_backend",
           "set_dtype_policy", "set_epsilon", "set_floatx", "set_image_data_format", "set_keras_version",
           "set_max_epochs", "set_max_steps_per_epoch"]

_settings = {"floatx": "float32", "epsilon": 1e-7, "image_data_format": "channels_last", "dtype_policy": None,
             "keras_version": "3.15.1", "traceback_filtering": True, "interactive_logging": True,
             "unsafe_deserialization": False, "flash_attention": None, "max_epochs": None, "max_steps_per_epoch": None,
             "functions_run_eagerly": False}
KERAS_VERSION = _settings["keras_version"]   # the one that names, defaults and files follow
_LAST = {"1": "1.2.2", "2": "2.15.0", "2.2": "2.2.5", "2.3": "2.3.1", "3": "3.15.1", "3.15": "3.15.1"}


def floatx() -> str:
    """The dtype of new weights and of arrays made from Python floats."""
    return _settings["floatx"]


def set_floatx(value: str):
    """Set the default float dtype: float32, float64, bfloat16 or float16.

    Args:
        value: "float16", "bfloat16", "float32" or "float64".
    """
    _choose("floatx", value, [t.name for t in DTYPES.values() if t.is_float and t.compute])
    numpy_dtype(value)


def default_policy_name() -> str:
    """The name of the policy of layers that are given no dtype: floatx, unless set_dtype_policy set another."""
    return _settings["dtype_policy"] or floatx()


def dtype_policy():
    """The DTypePolicy of layers that are given no dtype."""
    return doors.dtype_policies.get(default_policy_name())


def set_dtype_policy(policy):
    """Set the policy of layers that are given no dtype: a DTypePolicy or its name, such as "float32".

    Args:
        policy: a name such as "mixed_bfloat16", or a DTypePolicy.

    Raises:
        ValueError: no policy has that name.
    """
    if policy is None:
        raise ValueError("set_dtype_policy: expected a DTypePolicy or its name, received None")
    _settings["dtype_policy"] = doors.dtype_policies.get(policy).name


def epsilon() -> float:
    """The fuzz factor of losses and metrics, which keeps logarithms and divisors away from zero."""
    return _settings["epsilon"]


def set_epsilon(value: float):
    """Set the small number that is added where something is divided by.

    Args:
        value: a float; 1e-7 by default.
    """
    _settings["epsilon"] = float(value)


def image_data_format() -> str:
    """Where images keep their channels unless told: ``channels_last`` or ``channels_first``."""
    return _settings["image_data_format"]


def set_image_data_format(data_format: str):
    """Set where channels are, for layers that are not told.

    Args:
        data_format: "channels_last" or "channels_first".
    """
    _choose("image_data_format", data_format, ("channels_last", "channels_first"))


def backend() -> str:
    """``"tensorflow"``: programs ask in order to choose among ways of writing, and that one is understood here."""
    return "tensorflow"


def keras_version() -> str:
    """The Keras whose defaults new layers and optimizers have: ``"3.15.1"`` unless set otherwise."""
    return _settings["keras_version"]


def set_keras_version(version: str):
    """Follow the defaults of another Keras for what is made from now on.

    Raises ValueError for what is no version of Keras 1, 2 or 3.

    Args:
        version: ``"2.15"``, ``"2.3.1"``, ``"1.2"`` ...: what changed between versions and is followed stands in
            kgraph.legacy.defaults
    """
    if not re.fullmatch(r"[123](\.\d+){0,2}", str(version)):
        raise ValueError(f"keras version: expected one of Keras 1, 2 or 3, such as 2.15, received {version!r}")
    version = _LAST.get(str(version), str(version))
    _settings["keras_version"] = version + ".0" * (2 - version.count("."))


def enable_traceback_filtering():
    """Let errors show the frames of the user's program alone. So it is from the start."""
    _settings["traceback_filtering"] = True


def disable_traceback_filtering():
    """Let errors show the frames inside kgraph too."""
    _settings["traceback_filtering"] = False


def is_traceback_filtering_enabled() -> bool:
    """Whether errors leave out the frames inside kgraph."""
    return _settings["traceback_filtering"]


def enable_interactive_logging():
    """Let progress bars and callbacks write to standard output. So it is from the start."""
    _settings["interactive_logging"] = True


def disable_interactive_logging():
    """Let progress bars and callbacks write to the logger "kgraph" of the module logging, at the level INFO."""
    _settings["interactive_logging"] = False


def is_interactive_logging_enabled() -> bool:
    """Whether progress goes to standard output rather than to a logger."""
    return _settings["interactive_logging"]


def enable_unsafe_deserialization():
    """Let code that files hold (lambdas) run in this process from now on: for files that one trusts."""
    _settings["unsafe_deserialization"] = True


def is_unsafe_deserialization_enabled() -> bool:
    """Whether code that files hold runs without safe_mode=False."""
    return _settings["unsafe_deserialization"]


def set_backend(backend: str):
    """There is one backend, which answers to "tensorflow" and "kgraph". Raises ValueError for another."""
    if backend not in ("tensorflow", "kgraph"):
        raise ValueError("set_backend: expected 'tensorflow', which kgraph stands in for and whose place nothing else "
                         f"can take, received {backend!r}")


def is_nnx_enabled() -> bool:
    """False: NNX is of JAX."""
    return False


def enable_flash_attention():
    """Let attention be computed without its scores in memory where that is faster: as it is from the start."""
    _settings["flash_attention"] = None


def disable_flash_attention():
    """Let attention hold its scores in memory, but where flash_attention=True says otherwise."""
    _settings["flash_attention"] = False


def is_flash_attention_enabled() -> bool | None:
    """False after disable_flash_attention(); else None, which stands for enabled."""
    return _settings["flash_attention"]


def functions_run_eagerly() -> bool:
    """Whether every model runs its steps in Python, as with run_eagerly=True."""
    return _settings["functions_run_eagerly"]


def run_functions_eagerly(run_eagerly: bool):
    """Let every model run its steps in Python, or as it was compiled."""
    _settings["functions_run_eagerly"] = bool(run_eagerly)


def max_epochs() -> int | None:
    """The most epochs that fit trains for, whatever it is told; None: as many as it is told."""
    return _settings["max_epochs"]


def set_max_epochs(max_epochs: int | None):
    """Let no fit train for more epochs: to try a program out. Raises ValueError for what is no int of 1 or more.

    Args:
        max_epochs: the most epochs that fit runs; None: as told.
    """
    _limit("max_epochs", max_epochs)


def max_steps_per_epoch() -> int | None:
    """The most batches of an epoch of fit, evaluate and predict; None: all."""
    return _settings["max_steps_per_epoch"]


def set_max_steps_per_epoch(max_steps_per_epoch: int | None):
    """Let no epoch have more batches: to try a program out. Raises ValueError for what is no int of 1 or more.

    Args:
        max_steps_per_epoch: the most steps of an epoch; None: as told.
    """
    _limit("max_steps_per_epoch", max_steps_per_epoch)


def _limit(setting, value):
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise ValueError(f"{setting}: expected None or an int of 1 or more, received {value!r}")
    _settings[setting] = value


def limited(setting: str, value):
    """A number of epochs or steps (None: unknown), or the limit that was set, with a warning."""
    limit = _settings[setting]
    if limit is None or (value is not None and value <= limit):
        return value
    warnings.warn(f"{setting.removeprefix('max_')} is limited to {limit}", stacklevel=2)
    return limit


def _choose(setting, value, choices):
    if value not in choices:
        raise ValueError(f"{setting}: expected one of {', '.join(choices)}, received {value!r}")
    _settings[setting] = str(value)


def __getattr__(name):
    return lookup(__name__, name, __all__)


def __dir__():
    return sorted(__all__)
