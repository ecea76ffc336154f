"""Settings of the process: the default float dtype, the fuzz factor, the image layout."""
from __future__ import annotations

import re
import warnings

from kgraph import doors
from kgraph.legacy.paths import lookup

__all__ = ["backend", "disable_interactive_logging", "disable_traceback_filtering", "dtype_policy",
           "enable_interactive_logging", "enable_traceback_filtering", "enable_unsafe_deserialization", "epsilon",
           "floatx", "image_data_format", "is_interactive_logging_enabled", "is_traceback_filtering_enabled",
           "keras_version", "set_dtype_policy", "set_epsilon", "set_floatx", "set_image_data_format",
           "set_keras_version"]

_settings = {"floatx": "float32", "epsilon": 1e-7, "image_data_format": "channels_last", "dtype_policy": None,
             "keras_version": "3.15.1", "traceback_filtering": True, "interactive_logging": True,
             "unsafe_deserialization": False}
KERAS_VERSION = _settings["keras_version"]   # the one that names, defaults and files follow
_LAST = {"1": "1.2.2", "2": "2.15.0", "2.2": "2.2.5", "2.3": "2.3.1", "3": "3.15.1", "3.15": "3.15.1"}


def floatx() -> str:
    """The dtype of new weights and of arrays made from Python floats."""
    return _settings["floatx"]


def set_floatx(value: str):
    """Set the default float dtype: float32 or float64; float16 is computed in float32, with a warning."""
    if value == "float16":
        warnings.warn("floatx: float16 is computed in float32 on this device", stacklevel=2)
        value = "float32"
    _choose("floatx", value, ("float32", "float64"))


def default_policy_name() -> str:
    """The name of the policy of layers that are given no dtype: floatx, unless set_dtype_policy set another."""
    return _settings["dtype_policy"] or floatx()


def dtype_policy():
    """The DTypePolicy of layers that are given no dtype."""
    return doors.dtype_policies.get(default_policy_name())


def set_dtype_policy(policy):
    """Set the policy of layers that are given no dtype: a DTypePolicy or its name; None is that of floatx again."""
    _settings["dtype_policy"] = None if policy is None else doors.dtype_policies.get(policy).name


def epsilon() -> float:
    """The fuzz factor of losses and metrics, which keeps logarithms and divisors away from zero."""
    return _settings["epsilon"]


def set_epsilon(value: float):
    _settings["epsilon"] = float(value)


def image_data_format() -> str:
    """Where images keep their channels unless told: ``channels_last`` or ``channels_first``."""
    return _settings["image_data_format"]


def set_image_data_format(data_format: str):
    _choose("image_data_format", data_format, ("channels_last", "channels_first"))


def backend() -> str:
    """``"tensorflow"``: programs ask in order to choose among ways of writing, and that one is understood here."""
    return "tensorflow"


def keras_version() -> str:
    """The Keras whose defaults new layers and optimizers have: ``"3.15.1"`` unless set otherwise."""
    return _settings["keras_version"]


def set_keras_version(version: str):
    """Follow the defaults of another Keras for what is made from now on.

    version  ``"2.15"``, ``"2.3.1"``, ``"1.2"`` ...: what changed between versions and is followed stands in
             kgraph.legacy.defaults

    Raises ValueError for what is no version of Keras 1, 2 or 3.
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


def _choose(setting, value, choices):
    if value not in choices:
        raise ValueError(f"{setting}: expected one of {', '.join(choices)}, received {value!r}")
    _settings[setting] = str(value)


def __getattr__(name):
    return lookup(__name__, name, __all__)
