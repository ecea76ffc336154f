"""Objects to configs and back, in Keras 3's form and the older one.

    {"module": "keras.layers", "class_name": "Dense", "config": {...}, "registered_name": None}     Keras 3
    {"class_name": "Dense", "config": {...}}                                                        Keras 1 and 2

A config is data. A class is found by its name in the tables (OBJECTS) of kgraph's own modules, which MODULES lists, or
among what the caller registered or passed. Nothing is imported because a config names it, and no code in a config is
run unless the caller says safe_mode=False.

Args:
    config, obj: a dict, and what it stands for.
    custom_objects, module_objects: {name: class or function}: where to look first.
    safe_mode: refuse code in configs. True by default.
    package, name: under which a class is registered: "Custom" and its own name by default.
"""
from __future__ import annotations

import collections.abc
import contextlib
import importlib
import inspect
import re
import threading
import types

import numpy as np

from kgraph import budget, config
from kgraph.compiler.dims import Dim
from kgraph.compiler.ir import TensorLike
from kgraph.naming import nearest

__all__ = ["CustomObjectScope", "copying_scope", "custom_object", "custom_object_scope",
           "deserialize_keras_object", "find_object", "get_custom_objects", "get_registered_name",
           "get_registered_object", "in_safe_mode",
           "register_keras_serializable", "safe_mode_scope", "serialize_keras_object", "sharing_scope"]

# The part of a Keras module name -> the module of kgraph whose OBJECTS hold those classes and functions.
MODULES = {"layers": "kgraph.layers", "models": "kgraph.models", "initializers": "kgraph.initializers",
           "regularizers": "kgraph.regularizers", "constraints": "kgraph.constraints",
           "activations": "kgraph.activations", "losses": "kgraph.losses", "metrics": "kgraph.metrics",
           "schedules": "kgraph.optimizers.schedules", "optimizers": "kgraph.optimizers",
           "random": "kgraph.random", "dtype_policies": "kgraph.dtype_policies", "ops": "kgraph.serialization.op_names",
           "onnx": "kgraph.onnx.layer", "applications": "kgraph.applications.layers",
           "feature_space": "kgraph.layers.preprocessing.feature_space", "distillation": "kgraph.distillation",
           "quantizers": "kgraph.quantizers", "calibration": "kgraph.calibration.layers"}
_PLAIN = (str, int, float, bool)
_NUMBERS = re.compile("bool|float(16|32|64)|u?int(8|16|32|64)")


class _Scopes(threading.local):
    def __init__(self):
        self.custom = []
        self.copied = []            # of open copying_scopes: what was serialized, by name
        self.safe = []
        self.shared_ids = None      # while writing: id(layer) -> number, of the layers that several others hold
        self.shared_objects = None  # while reading: number -> object


_scopes = _Scopes()
_registered: dict = {}       # "package>name" -> class or function
_registered_names: dict = {}  # class or function -> "package>name"


# ------------------------------------------------------------------ custom objects
class CustomObjectScope:
    """Inside, configs may name these classes and functions: {name: object}. A context manager.

    Raises:
        TypeError: something else than a dict.
    """

    def __init__(self, *custom_objects):
        for objects in custom_objects:
            if not isinstance(objects or {}, collections.abc.Mapping):
                raise TypeError(f"custom_objects: expected a dict {{name: class or function}}, received {objects!r}")
        self.custom_objects = {name: x for objects in custom_objects for name, x in (objects or {}).items()}

    def __enter__(self):
        _scopes.custom.append(self.custom_objects)
        return self

    def __exit__(self, *exc):
        _scopes.custom[:] = [objects for objects in _scopes.custom if objects is not self.custom_objects]


custom_object_scope = CustomObjectScope


def get_custom_objects() -> dict:
    """The table of registered objects itself: what is added here is known everywhere."""
    return _registered


def register_keras_serializable(package="Custom", name=None):
    """A decorator that makes a class or function known to saved files as ``package>name``.

    Returns:
        A decorator.
    """
    def register(x):
        if inspect.isclass(x) and not hasattr(x, "get_config"):
            raise ValueError(f"register_keras_serializable: expected a class with get_config(), received {x.__name__}")
        key = f"{package}>{name or x.__name__}"
        _registered[key] = x
        _registered_names[x] = key
        return x
    return register


def get_registered_name(obj) -> str:
    """``package>name`` of a registered object, else its Python name."""
    return _registered_names.get(obj) or obj.__name__


def get_registered_object(name, custom_objects=None, module_objects=None):
    """The object of that name among the custom and registered ones, then among module_objects, or None.

    Returns:
        A class or a function, or None.
    """
    found = custom_object(name, custom_objects)
    return found if found is not None else (module_objects or {}).get(name)


@contextlib.contextmanager
def copying_scope(x):
    """Inside, the class of x and what was serialized are known by their names: a copy made in this process needs no
    registration."""
    with CustomObjectScope({type(x).__name__: type(x)}) as scope:
        _scopes.copied.append(scope.custom_objects)
        try:
            yield
        finally:
            _scopes.copied.pop()


def _remember(obj, *names):
    for known in _scopes.copied:
        known.update(dict.fromkeys(names, obj))


def custom_object(name, custom_objects=None):
    """The object that the caller gave under that name (an argument, a scope, a registration), or None."""
    if not isinstance(name, str):
        return None
    for table in (custom_objects or {}, *reversed(_scopes.custom), _registered):
        if name in table:
            return table[name]
    return None


@contextlib.contextmanager
def safe_mode_scope(safe_mode: bool):
    """Inside, code in configs is refused (True) or run (False). An inner scope cannot lift an outer refusal."""
    _scopes.safe.append(bool(safe_mode) or (bool(_scopes.safe) and _scopes.safe[-1]))
    try:
        yield
    finally:
        _scopes.safe.pop()


def in_safe_mode() -> bool:
    """Whether code in configs is refused: so it is, unless a caller said safe_mode=False, or the process
    enable_unsafe_deserialization()."""
    return not config.is_unsafe_deserialization_enabled() and (_scopes.safe[-1] if _scopes.safe else True)


@contextlib.contextmanager
def sharing_scope(x=None):
    """Inside, a layer that several models hold is one layer also after its configs were written and read.

    Args:
        x: what is being written; None when reading. The outermost scope counts.
    """
    name = "shared_objects" if x is None else "shared_ids"
    if getattr(_scopes, name) is not None:
        yield
        return
    setattr(_scopes, name, {} if x is None else _shared_layers(x))
    try:
        yield
    finally:
        setattr(_scopes, name, None)


def _shared_layers(x) -> dict:
    holders = collections.Counter(id(held) for layer in x._all_layers() for held in layer._sublayers())
    return {key: number for number, key in enumerate((k for k, count in holders.items() if count > 1), 1)}


# ------------------------------------------------------------------ objects -> configs
def serialize_keras_object(obj):
    """obj as plain data: numbers, strings, lists and dicts, in Keras 3's form. TypeError for what has no config.

    Returns:
        A dict, or plain data.
    """
    if obj is None or isinstance(obj, _PLAIN):
        return obj
    if isinstance(obj, (list, tuple)):
        items = map(serialize_keras_object, obj)
        return list(items) if hasattr(obj, "_fields") else type(obj)(items)
    if isinstance(obj, dict):
        return {key: serialize_keras_object(value) for key, value in obj.items()}
    special = _serialize_special(obj)
    if special is not None:
        return special
    if isinstance(obj, np.generic) or (isinstance(obj, np.ndarray) and obj.ndim == 0):
        return obj.item()
    if isinstance(obj, types.FunctionType) or not hasattr(obj, "get_config"):
        return _serialize_function(obj)
    with sharing_scope(obj) if hasattr(obj, "_all_layers") else contextlib.nullcontext():
        return _serialize_instance(obj)


def _serialize_special(x):
    if isinstance(x, Dim):
        return None
    if isinstance(x, bytes):
        return {"class_name": "__bytes__", "config": {"value": x.decode("utf-8")}}
    if isinstance(x, slice):
        parts = {name: serialize_keras_object(getattr(x, name)) for name in ("start", "stop", "step")}
        return {"class_name": "__slice__", "config": parts}
    if x is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if hasattr(x, "__kgraph_reference__"):
        return x.__kgraph_reference__()
    if isinstance(x, TensorLike) or (isinstance(x, np.ndarray) and x.ndim):
        array = np.asarray(x)
        name = "__tensor__" if isinstance(x, TensorLike) else "__numpy__"
        return {"class_name": name, "config": {"value": array.tolist(), "dtype": array.dtype.name}}
    if isinstance(x, types.FunctionType) and x.__name__ == "<lambda>":
        from kgraph.serialization.lambdas import dump_lambda
        return {"class_name": "__lambda__", "config": {"value": list(dump_lambda(x).values())}}
    return None


def _serialize_function(x):
    if not hasattr(x, "__name__"):
        raise TypeError(f"expected an object with get_config(), received {x!r} of type {type(x).__name__}")
    _remember(x, get_registered_name(x))
    return {"module": "builtins", "class_name": "function", "config": get_registered_name(x),
            "registered_name": "function"}


def _serialize_instance(x):
    module, class_name, registered = identity(x)
    if not type(x).__module__.startswith("kgraph."):   # one of the user's own
        _remember(type(x), class_name, registered)
    config = {"module": module, "class_name": class_name, "config": serialize_keras_object(x.get_config()),
              "registered_name": registered}
    for key in ("build_config", "compile_config"):
        extra = getattr(x, f"get_{key}", lambda: None)()
        if extra is not None:
            config[key] = serialize_keras_object(extra)
    if getattr(x, "keras_version", 3) != 3:
        config["keras_version"] = x.keras_version
    if id(x) in (_scopes.shared_ids or ()):
        config["shared_object_id"] = _scopes.shared_ids[id(x)]
    return config


def identity(x) -> tuple:
    """(module, class name, registered name) under which Keras 3 knows an object; its own for a custom class."""
    cls = type(x)
    if not cls.__module__.startswith("kgraph."):
        module = cls.__module__
        return (None if module == "__main__" else module), cls.__name__, get_registered_name(cls)
    if hasattr(x, "_keras_identity"):
        return x._keras_identity()
    part = cls.__module__.split(".")[1]
    if cls.__module__.startswith("kgraph.optimizers.schedules"):
        part = "optimizers.schedules"
    return f"keras.{part}", cls.__name__, None


# ------------------------------------------------------------------ configs -> objects
def deserialize_keras_object(config, custom_objects=None, safe_mode=None, module_objects=None):
    """The object that a config stands for; plain data stays as it is.

    Raises ValueError for a class that is not known, naming the ways to make it known.

    Args:
        module_objects: {name: class or function}: where to look first for names, and what a bare string names

    Returns:
        An object.
    """
    safe_mode = in_safe_mode() if safe_mode is None else safe_mode
    with CustomObjectScope(custom_objects), safe_mode_scope(safe_mode), sharing_scope():
        return _deserialize(config, module_objects)


def _deserialize(config, objects):
    if isinstance(config, str):
        found = custom_object(config)
        if found is None and objects is not None:
            found = objects.get(config)
            found = found() if inspect.isclass(found) else found
        return config if found is None else found
    if config is None or isinstance(config, _PLAIN):
        return config
    if isinstance(config, (list, tuple)):
        return [_deserialize(x, None) for x in config]
    if not isinstance(config, dict):
        raise TypeError(f"expected a config made of plain data, received {config!r} of type {type(config).__name__}")
    if "class_name" not in config or "config" not in config:
        return {key: _deserialize(value, None) for key, value in config.items()}
    class_name, inner = config["class_name"], config["config"]
    if class_name in _SPECIAL:
        return _SPECIAL[class_name](inner)
    if class_name == "function":
        return _find(str(inner), config, objects, "function")
    number = config.get("shared_object_id")
    if number is None:
        return _make(_find(class_name, config, objects, "class"), inner or {}, config)
    if number not in _scopes.shared_objects:
        _scopes.shared_objects[number] = _make(_find(class_name, config, objects, "class"), inner or {}, config)
    return _scopes.shared_objects[number]


def _make(cls, inner, config):
    if not inspect.isclass(cls) and not hasattr(cls, "from_config"):
        return cls
    if not isinstance(inner, (dict, list)) or not hasattr(cls, "from_config"):
        raise TypeError(f"{config['class_name']}: expected a config that is a dict and a class with from_config(), "
                        f"received {str(inner)[:100]!r} and {cls!r}")
    budget.spend(budget.OBJECT, "many objects")
    try:
        instance = cls.from_config(dict(inner) if isinstance(inner, dict) else inner)
    except TypeError as error:
        raise TypeError(f"{config['class_name']} cannot be made from its config {str(inner)[:300]}: {error}") from error
    if hasattr(instance, "keras_version") and str(config.get("keras_version", 3)).startswith(("0", "1", "2")):
        instance.keras_version = 2
    if config.get("build_config") and hasattr(instance, "build_from_config") and not instance.built:
        instance.build_from_config(config["build_config"])
    if config.get("compile_config") and hasattr(instance, "compile_from_config"):
        with budget.blank(False):     # the optimizer of a model inside is in no file
            instance.compile_from_config(config["compile_config"])
    return instance


def _find(name, config, objects, what):
    registered = config.get("registered_name")
    for key in (registered, name):
        found = custom_object(key)
        if found is not None:
            return found
    if objects and name in objects:
        return objects[name]
    known = []
    for part in _modules_for(str(config.get("module") or "")):
        table = importlib.import_module(MODULES[part]).OBJECTS
        if name in table:
            return table[name]
        known += list(table)
    name, module = str(name)[:100], config.get("module") and str(config["module"])[:100]
    raise ValueError(f"unknown {what} {name!r} (module {module!r}).{nearest(name, known)} If it is your own, make it "
                     f"known in one of three ways: decorate it with @kgraph.saving.register_keras_serializable(), pass "
                     f"custom_objects={{{name!r}: ...}}, or load inside "
                     f"kgraph.saving.custom_object_scope({{{name!r}: ...}})")


def _modules_for(hint: str) -> list:
    """The parts of kgraph in which to look, those that a module's name mentions first."""
    mentioned = [part for part in MODULES if part in hint.split(".")]
    return mentioned or [part for part in MODULES if part != "ops"]


def _lambda(inner):
    if in_safe_mode():
        raise ValueError("the config holds the code of a Python lambda, which is not run in safe mode: pass "
                         "safe_mode=False if you trust where it comes from")
    from kgraph.serialization.lambdas import load_lambda
    return load_lambda(inner)


def _slice(inner):
    return slice(*(_deserialize(inner[part], None) for part in ("start", "stop", "step")))


def _array(inner):
    if not isinstance(inner["dtype"], str) or not _NUMBERS.fullmatch(inner["dtype"]):
        raise ValueError(f"expected an array of numbers, received dtype {str(inner['dtype'])[:100]!r}")
    return np.array(inner["value"], dtype=inner["dtype"])


_SPECIAL = {"__bytes__": lambda inner: inner["value"].encode("utf-8"), "__ellipsis__": lambda inner: Ellipsis,
            "__slice__": _slice, "__numpy__": _array, "__tensor__": _array, "__lambda__": _lambda,
            "__keras_tensor__": lambda inner: KTensorReference(*inner["keras_history"])}


class KTensorReference:
    """A KTensor as configs name it: the operation, which of its calls, which of that call's outputs."""

    __slots__ = ("operation", "node", "index")

    def __init__(self, operation: str, node: int, index: int):
        self.operation, self.node, self.index = operation, int(node), int(index)

    def __repr__(self):
        return f"<output {self.index} of call {self.node} of {self.operation}>"


def find_object(identifier, objects: dict, kind: str):
    """An object from None, a config, a name, a class, a function or the object itself; `objects` holds the known ones.

    Raises ValueError for an unknown name, with the nearest known one, and for anything else that cannot be called.
    """
    if identifier is None:
        return None
    if isinstance(identifier, dict):
        return deserialize_keras_object(identifier, module_objects=objects)
    if isinstance(identifier, str):
        found = custom_object(identifier)
        found = objects.get(identifier) if found is None else found
        if found is None:
            raise ValueError(
                f"expected the name of a known {kind}, received {identifier!r}.{nearest(identifier, objects)}"
            )
        identifier = found
    if inspect.isclass(identifier):
        return identifier()
    if callable(identifier):
        return identifier
    raise ValueError(f"{kind}: expected a name, a config, a class or a function, received {identifier!r}")
