"""`Config`: settings as attributes and as a dict.

Args:
    keyname, value: a name, and what it shall have.
    args: as for dict.
"""
from __future__ import annotations

import json

from kgraph.naming import nearest

__all__ = ["Config"]


class Config:
    """Settings by name, read and set as attributes or by key, that can be frozen.

        >>> config = Config(rate=0.1)
        >>> config.units = 8
        >>> config["rate"], config.as_dict()
        (0.1, {'rate': 0.1, 'units': 8})

    Raises AttributeError or KeyError for a name that is not there, and ValueError for a change after freeze().
    """

    def __init__(self, **kwargs):
        self.__dict__.update(_config=kwargs, _frozen=False)

    @property
    def frozen(self) -> bool:
        """Whether changes are refused."""
        return self._frozen

    def freeze(self):
        """Refuse changes from now on."""
        self.__dict__["_frozen"] = True

    def unfreeze(self):
        """Allow changes again."""
        self.__dict__["_frozen"] = False

    def _open(self) -> dict:
        if self._frozen:
            raise ValueError("Config: expected a config that is not frozen, to change it; call unfreeze() before")
        return self._config

    def as_dict(self) -> dict:
        """A copy as a dict."""
        return dict(self._config)

    def to_json(self) -> str:
        """The settings as JSON."""
        return json.dumps(self._config)

    def keys(self):
        """The names.

        Returns:
            A view, as of a dict.
        """
        return self._config.keys()

    def values(self):
        """The values.

        Returns:
            A view, as of a dict.
        """
        return self._config.values()

    def items(self):
        """Pairs of names and values.

        Returns:
            A view, as of a dict.
        """
        return self._config.items()

    def get(self, keyname, value=None):
        """The setting of that name, else ``value``.

        Returns:
            A value.
        """
        return self._config.get(keyname, value)

    def pop(self, *args):
        """Take a setting out: ``pop(name)``, ``pop(name, default)``.

        Returns:
            A value.
        """
        return self._open().pop(*args)

    def update(self, *args, **kwargs):
        """Set several, as dict.update does."""
        self._open().update(*args, **kwargs)

    def __getattr__(self, name):
        if name not in self.__dict__.get("_config", {}):
            raise AttributeError(f"Config has no setting {name!r}.{nearest(name, self.__dict__.get('_config', {}))}")
        return self._config[name]

    def __setattr__(self, name, value):
        self._open()[name] = value

    def __delattr__(self, name):
        if name not in self._open():
            raise AttributeError(f"Config has no setting {name!r}.{nearest(name, self._config)}")
        del self._config[name]

    def __getitem__(self, name):
        return self._config[name]

    __setitem__ = __setattr__

    def __delitem__(self, name):
        del self._open()[name]

    def __contains__(self, name):
        return name in self._config

    def __iter__(self):
        return iter(self._config)

    def __len__(self):
        return len(self._config)

    def __getstate__(self):
        return dict(self.__dict__)

    def __setstate__(self, state):
        self.__dict__.update(state)

    def __repr__(self):
        return f"<Config {self._config}>"
