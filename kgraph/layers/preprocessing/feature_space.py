"""FeatureSpace: the columns of a table, each prepared in its own way, crossed and put side by side."""
from __future__ import annotations

import numpy as np

from kgraph import doors, ops, tree
from kgraph.compiler.ir import TensorLike
from kgraph.graph import any_symbolic
from kgraph.layers.base import Layer
from kgraph.layers.basic import Identity, Rescaling
from kgraph.layers.input_layer import Input
from kgraph.layers.merging import Concatenate
from kgraph.layers.preprocessing.encoding import CategoryEncoding, Discretization
from kgraph.layers.preprocessing.hashing import HashedCrossing, Hashing
from kgraph.layers.preprocessing.host import as_data
from kgraph.layers.preprocessing.lookup import IntegerLookup, StringLookup
from kgraph.layers.preprocessing.normalization import Normalization
from kgraph.naming import auto_name, nearest
from kgraph.serialization import deserialize_keras_object, serialize_keras_object

__all__ = ["Cross", "Feature", "FeatureSpace"]


class _Described:
    """Settings that Keras writes under the name of its own module."""

    def _keras_identity(self):
        return "keras.src.layers.preprocessing.feature_space", type(self).__name__, type(self).__name__

    @classmethod
    def from_config(cls, config):
        return cls(**config)

    def _mode(self, value, known):
        if value not in known:
            raise ValueError(f"FeatureSpace: expected output_mode among {', '.join(known)}, received {value!r}."
                             f"{nearest(value, known)}")
        return value


class Cross(_Described):
    """Several features as one, hashed into crossing_dim numbers; output_mode "int" or "one_hot"."""

    def __init__(self, feature_names, crossing_dim, output_mode="one_hot"):
        self.feature_names, self.crossing_dim = tuple(feature_names), crossing_dim
        self.output_mode = self._mode(output_mode, ("int", "one_hot"))

    @property
    def name(self) -> str:
        return "_X_".join(self.feature_names)

    def get_config(self):
        return {"feature_names": self.feature_names, "crossing_dim": self.crossing_dim,
                "output_mode": self.output_mode}


class Feature(_Described):
    """A column of that dtype, the layer that prepares it, and "int", "one_hot" or "float"."""

    def __init__(self, dtype, preprocessor, output_mode):
        self.dtype, self.output_mode = dtype, self._mode(output_mode, ("int", "one_hot", "float"))
        self.preprocessor = deserialize_keras_object(preprocessor) if isinstance(preprocessor, dict) else preprocessor

    def get_config(self):
        return {"dtype": self.dtype, "preprocessor": serialize_keras_object(self.preprocessor),
                "output_mode": self.output_mode}


class _Factories:
    """Features and crosses by what they are."""

    @classmethod
    def cross(cls, feature_names, crossing_dim, output_mode="one_hot"):
        """Several features as one."""
        return Cross(feature_names, crossing_dim, output_mode)

    @classmethod
    def feature(cls, dtype, preprocessor, output_mode):
        """A column that a layer of one's own prepares."""
        return Feature(dtype, preprocessor, output_mode)

    @classmethod
    def float(cls, name=None):
        """Numbers as they are."""
        return cls._made(name, "float", Identity, "float32", "float")

    @classmethod
    def float_rescaled(cls, scale=1.0, offset=0.0, name=None):
        """Numbers times scale, plus offset."""
        return cls._made(name, "float_rescaled", Rescaling, "float32", "float", scale=scale, offset=offset)

    @classmethod
    def float_normalized(cls, name=None):
        """Numbers less their mean, divided by their deviation."""
        return cls._made(name, "float_normalized", Normalization, "float32", "float", axis=-1)

    @classmethod
    def float_discretized(cls, num_bins, bin_boundaries=None, output_mode="one_hot", name=None):
        """Numbers as the bins they lie in."""
        bins = {"num_bins": num_bins} if bin_boundaries is None else {"bin_boundaries": bin_boundaries}
        return cls._made(name, "float_discretized", Discretization, "float32", output_mode, **bins)

    @classmethod
    def integer_categorical(cls, max_tokens=None, num_oov_indices=1, output_mode="one_hot", name=None):
        """Integers as positions in a vocabulary."""
        return cls._made(name, "integer_categorical", IntegerLookup, "int32", output_mode, max_tokens=max_tokens,
                         num_oov_indices=num_oov_indices)

    @classmethod
    def string_categorical(cls, max_tokens=None, num_oov_indices=1, output_mode="one_hot", name=None):
        """Texts as positions in a vocabulary."""
        return cls._made(name, "string_categorical", StringLookup, "string", output_mode, max_tokens=max_tokens,
                         num_oov_indices=num_oov_indices)

    @classmethod
    def string_hashed(cls, num_bins, output_mode="one_hot", name=None):
        """Texts by hash."""
        return cls._made(name, "string_hashed", Hashing, "string", output_mode, num_bins=num_bins)

    @classmethod
    def integer_hashed(cls, num_bins, output_mode="one_hot", name=None):
        """Integers by hash."""
        return cls._made(name, "integer_hashed", Hashing, "int32", output_mode, num_bins=num_bins)

    @staticmethod
    def _made(name, kind, make, dtype, output_mode, **settings):
        return Feature(dtype, make(**settings, name=f"{name or auto_name(kind)}_preprocessor"), output_mode)


_KINDS = {"float": {}, "float_normalized": {}, "float_rescaled": {},
          "float_discretized": {"num_bins": "num_discretization_bins"}, "integer_categorical": {},
          "string_categorical": {}, "integer_hashed": {"num_bins": "hashing_dim"},
          "string_hashed": {"num_bins": "hashing_dim"}}   # what a word stands for, and the setting that it takes


class FeatureSpace(_Factories, Layer):
    """Columns of a table, prepared: called on a dict of them, it gives one vector for each row, or a dict.

        >>> space = FeatureSpace({"age": "float_rescaled", "town": "string_categorical"})
        >>> space.adapt({"age": [30.0, 40.0], "town": ["Ulm", "Bonn"]})
        >>> space({"age": [30.0], "town": ["Ulm"]}).shape
        (1, 4)

    get_inputs() and get_encoded_features() are for a model that takes the raw columns. Raises ValueError before
    adapt(), where a vocabulary or a mean has to be learned.

    Args:
        features: {name: a kind in words ("float", "float_normalized", "string_categorical" ...), or
            FeatureSpace.float() and so on, with settings}
        output_mode: "concat" or "dict"
        crosses: tuples of names, or FeatureSpace.cross(): features that count together
        crossing_dim, hashing_dim, num_discretization_bins: where a kind is given in words
    """

    takes_text = True

    def __init__(self, features, output_mode="concat", crosses=None, crossing_dim=32, hashing_dim=32,
                 num_discretization_bins=32, name=None):
        super().__init__(name=name)
        if not features:
            raise ValueError(f"FeatureSpace: expected a dict of features, received {features!r}")
        if output_mode not in ("dict", "concat"):
            raise ValueError(f"FeatureSpace: expected output_mode 'concat' or 'dict', received {output_mode!r}")
        self.crossing_dim, self.hashing_dim = crossing_dim, hashing_dim
        self.num_discretization_bins, self.output_mode = num_discretization_bins, output_mode
        self.features = {key: self._feature(key, value) for key, value in features.items()}
        self.crosses = [self._cross(cross) for cross in crosses or ()]
        self.inputs = {key: Input((1,), dtype=feature.dtype, name=key) for key, feature in self.features.items()}
        self.preprocessors = {key: feature.preprocessor for key, feature in self.features.items()}
        self.crosses_by_name = {cross.name: cross for cross in self.crosses}
        self.crossers = {cross.name: HashedCrossing(cross.crossing_dim, name=cross.name) for cross in self.crosses}
        self.one_hot_encoders, self.concat = {}, Concatenate(axis=-1)
        self.encoded_features = None
        self._is_adapted = False

    def _feature(self, name, value):
        if isinstance(value, dict):
            value = Feature.from_config(value["config"])
        if isinstance(value, Feature):
            return value
        if value not in _KINDS:
            raise ValueError(f"FeatureSpace: feature {name!r}: expected a kind among {', '.join(_KINDS)}, received "
                             f"{value!r}.{nearest(value, _KINDS)}")
        settings = {word: getattr(self, setting) for word, setting in _KINDS[value].items()}
        return getattr(self, value)(name=name, **settings)

    def _cross(self, cross):
        if isinstance(cross, dict):
            cross = Cross.from_config(cross["config"])
        cross = cross if isinstance(cross, Cross) else Cross(cross, self.crossing_dim)
        unknown = [name for name in cross.feature_names if name not in self.features]
        if unknown or not cross.crossing_dim:
            raise ValueError(f"FeatureSpace: cross {cross.feature_names}: expected names of features and a "
                             f"crossing_dim, received {', '.join(unknown) or cross.crossing_dim}")
        return cross

    # ------------------------------------------------------------------ learning
    def _to_adapt(self) -> list:
        fixed = lambda p: isinstance(p, Normalization) and p.input_mean is not None
        return [name for name, p in self.preprocessors.items() if hasattr(p, "adapt") and not fixed(p)]

    def adapt(self, dataset):
        """Learn vocabularies, means and bins from a dict of columns, or from what gives dicts of batches or of rows.

        Args:
            dataset: dicts of columns, in batches or whole.
        """
        columns = dataset if isinstance(dataset, dict) else self._columns(dataset)
        for name in self._to_adapt():
            self.preprocessors[name].adapt(_column(columns[name]))
        self._is_adapted, self.encoded_features, self.one_hot_encoders = True, None, {}
        self.get_encoded_features()

    def _columns(self, dataset) -> dict:
        if not hasattr(dataset, "__iter__") or isinstance(dataset, (str, np.ndarray)):
            raise ValueError("FeatureSpace.adapt: expected a dict of columns or a data set of dicts, received "
                             f"{type(dataset).__name__}")
        found = {name: [] for name in self._to_adapt()}
        for part in dataset:
            for name, values in found.items():
                values.append(np.ravel(as_data(part[name])))
        return {name: np.concatenate(values) for name, values in found.items()}

    def _check_adapted(self):
        if not self._is_adapted and self._to_adapt():
            raise ValueError(f"FeatureSpace {self.name!r}: expected adapt(dataset) before, to learn what "
                             f"{', '.join(self._to_adapt())} need")
        self._is_adapted = True

    # ------------------------------------------------------------------ using
    def get_inputs(self) -> dict:
        """{name: the KTensor of a raw column, [batch, 1]}."""
        self._check_adapted()
        return self.inputs

    def get_encoded_features(self):
        """The KTensor, or dict of them, that the inputs give.

        Returns:
            A KTensor, or a dict of them.
        """
        self._check_adapted()
        if self.encoded_features is None:
            self.encoded_features = self._encoded(self.inputs)
            self.built = True
        return self.encoded_features

    def __call__(self, data):
        if not isinstance(data, dict):
            raise ValueError(f"FeatureSpace {self.name!r}: expected a dict of columns, received "
                             f"{type(data).__name__}")
        self.get_encoded_features()
        if any_symbolic(data):
            return self._encoded(data)
        row = all(np.ndim(value) == 0 for value in data.values())
        found = self._encoded({name: _column(value) for name, value in data.items()})
        return tree.map_structure(lambda x: ops.squeeze(x, 0), found) if row else found

    def _encoded(self, data):
        prepared = {name: self.preprocessors[name](data[name]) for name in data}
        crossed = {cross.name: self.crossers[cross.name]([prepared[name] for name in cross.feature_names])
                   for cross in self.crosses}
        found = {name: self._one_hot(name, self.features[name], prepared[name]) for name in sorted(prepared)}
        found |= {name: self._one_hot(name, self.crosses_by_name[name], crossed[name]) for name in sorted(crossed)}
        if self.output_mode == "dict":
            return found
        whole = [name for name, x in found.items() if not str(x.dtype).startswith("float")]
        if whole:
            raise ValueError(f"FeatureSpace {self.name!r}: expected floats to put side by side, received "
                             f"{found[whole[0]].dtype} of {whole[0]!r}: output_mode='dict' leaves them alone")
        return self.concat(list(found.values())) if len(found) > 1 else next(iter(found.values()))

    def _one_hot(self, name, spec, x):
        if spec.output_mode != "one_hot":
            return x
        if name not in self.one_hot_encoders:
            if not str(x.dtype).startswith("int"):
                raise ValueError(f"FeatureSpace {self.name!r}: feature {name!r}: expected integers for one_hot, "
                                 f"received {x.dtype}")
            layer = self.preprocessors.get(name) or self.crossers[name]
            self.one_hot_encoders[name] = CategoryEncoding(self._cardinality(name, layer), "multi_hot")
        return self.one_hot_encoders[name](x)

    def _cardinality(self, name, layer) -> int:
        if isinstance(layer, (IntegerLookup, StringLookup)):
            return layer.vocabulary_size()
        if isinstance(layer, Discretization) and layer.bin_boundaries:
            return len(layer.bin_boundaries) + 1
        known = getattr(layer, "num_tokens", None) or getattr(layer, "num_bins", None)
        if known is None:
            raise ValueError(f"FeatureSpace {self.name!r}: feature {name!r}: expected a layer of a known number of "
                             f"values for one_hot, received {layer!r}: output_mode='int' leaves it alone")
        return known

    # ------------------------------------------------------------------ files
    def _keras_identity(self):
        return "keras.utils", "FeatureSpace", None

    def get_config(self):
        return {"features": {name: serialize_keras_object(x) for name, x in self.features.items()},
                "output_mode": self.output_mode, "crosses": [serialize_keras_object(x) for x in self.crosses],
                **{name: getattr(self, name) for name in ("crossing_dim", "hashing_dim", "num_discretization_bins")}}

    @classmethod
    def from_config(cls, config):
        return cls(**config)

    def get_build_config(self):
        """What build_from_config needs.

        Returns:
            A dict.
        """
        return {name: layer.get_build_config() for name, layer in self.preprocessors.items()} \
            if self._is_adapted else None

    def build_from_config(self, config):
        for name, layer in self.preprocessors.items():
            if config.get(name) and not layer.built:
                layer.build_from_config(config[name])
        self._is_adapted = True

    def save(self, filepath):
        """Write the features and what was learned to a .keras file, for kgraph.models.load_model.

        Args:
            filepath: of a .keras file.
        """
        doors.saving.save_model(self, filepath)


def _column(x):
    """Values as [n, 1] on the host, or a tensor so."""
    if isinstance(x, TensorLike):
        return x if len(x.shape) > 1 else ops.reshape(x, (-1, 1))
    array = as_data(x)
    array = array.astype("float32") if array.dtype.kind == "f" else array
    return array if array.ndim > 1 else array.reshape(-1, 1)


OBJECTS = {"Cross": Cross, "Feature": Feature, "FeatureSpace": FeatureSpace, "TFDIdentity": Identity}
