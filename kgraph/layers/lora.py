"""LoRA: a large weight is frozen, and a product of two small ones is trained in addition."""
from __future__ import annotations

from kgraph import initializers, ops
from kgraph.layers.quantized import Quantizable

__all__ = ["Adapted", "LowRank"]


class Adapted:
    """The attribute of a layer with its main weight: the variable, or with LoRA its value with the product added."""

    def __set_name__(self, owner, name):
        self.name, self.place = name, f"_{name}"
        owner._adapted = name

    def __get__(self, layer, owner=None):
        if layer is None:
            return self
        if self.place not in layer.__dict__:
            raise AttributeError(f"layer {layer.name!r}: expected a layer that is built, for {self.name!r}: call it on "
                                 "data, or layer.build(input_shape)")
        weight = layer.__dict__[self.place]
        if not layer.lora_enabled:
            return weight
        return (weight if layer.quantization_mode is None else layer._real(self.name)) + layer._product()

    def __set__(self, layer, value):
        setattr(layer, self.place, value)


class LowRank(Quantizable):
    """The base of layers whose main weight, an Adapted, can be trained by LoRA: Hu et al.,
    https://arxiv.org/abs/2106.09685."""

    lora_enabled, lora_rank, lora_alpha = False, None, None
    _adapted: str

    def _take_lora(self, rank, alpha, quantization_config=None):
        """Settings of the layer; the product is made when the layer is built."""
        self._take_quantization(quantization_config)
        if rank is not None and (not hasattr(rank, "__index__") or rank < 1):
            raise ValueError(f"layer {self.name!r}: expected lora_rank to be an int above 0, received {rank!r}")
        self.lora_rank, self.lora_alpha = rank, rank if alpha is None else alpha

    def enable_lora(self, rank, lora_alpha=None, a_initializer="he_uniform", b_initializer="zeros"):
        """Freeze the main weight; lora_alpha / rank times a product a @ b is added to it, and trained instead.

        Compile the model again afterwards. Files hold the sum. Raises ValueError before the layer is built, the second
        time, and for a weight with a constraint.

        Args:
            rank: the number of columns of a and of rows of b
            lora_alpha: by default the rank
        """
        name = self._adapted
        if getattr(self, f"{name}_constraint") is not None:
            raise ValueError(f"layer {self.name!r}: expected {name}_constraint=None for enable_lora, received "
                             f"{getattr(self, f'{name}_constraint')!r}")
        if not self.built:
            raise ValueError(f"layer {self.name!r}: expected a layer that is built, for enable_lora")
        if self.lora_enabled:
            raise ValueError(f"layer {self.name!r}: enable_lora was called before")
        if self.quantization_mode in ("gptq", "awq", "float8"):
            raise NotImplementedError(f"layer {self.name!r}: expected reals, int8 or int4 for enable_lora, received "
                                      f"{self.quantization_mode}")
        self._take_lora(rank, lora_alpha, self.quantization_config)
        weight, regularizer = self.__dict__[f"_{name}"], getattr(self, f"{name}_regularizer")
        large = tuple(weight.shape) if self.quantization_mode is None else self._storages[name].shape
        self._a_initializer = initializers.get(a_initializer)
        for part, shape, initializer in (("a", (*large[:-1], rank), self._a_initializer),
                                         ("b", (rank, large[-1]), b_initializer)):
            setattr(self, f"lora_{name}_{part}", self.add_weight(
                shape=shape, initializer=initializer, dtype="float32", regularizer=regularizer,
                name=f"lora_{name}_{part}"))
        weight.trainable = False
        self.lora_enabled = True

    def _small(self) -> list:
        return [getattr(self, f"lora_{self._adapted}_{part}") for part in "ab"]

    def _product(self):
        a, b = self._small()
        return (self.lora_alpha / self.lora_rank) * ops.matmul(a, b)

    def _quantized(self, inputs):
        """The product with a quantized weight, and with LoRA what the small weights add to it."""
        outputs = self._quantized_product(inputs)
        return outputs + ops.cast(self._added(inputs), outputs.dtype) if self.lora_enabled else outputs

    def _added(self, inputs):
        """What _product adds to the outputs."""
        a, b = self._small()
        return (self.lora_alpha / self.lora_rank) * ops.matmul(self._linear(inputs, a), b)

    def _finish_build(self, shapes):
        super()._finish_build(shapes)
        if self.lora_rank is not None and not self.lora_enabled:
            self.enable_lora(self.lora_rank, self.lora_alpha)

    def _own_variables(self) -> list:
        own = super()._own_variables()
        if not self.lora_enabled:
            return own
        main = self.__dict__[f"_{self._adapted}"]   # frozen, but in its old place
        return [main, *(v for v in own if v is not main)]

    def _stored_variables(self):
        return None if self.lora_enabled else super()._stored_variables()

    def _without_small(self) -> list:
        """The variables that files hold."""
        return [v for v in super()._stored_variables() if not any(v is s for s in self._small())]

    def _merged(self) -> dict:
        """{id of a variable: what files hold of it}, for those in which the product goes."""
        name = self._adapted
        if self.quantization_mode is None:
            return {id(self.__dict__[f"_{name}"]): ops.convert_to_numpy(getattr(self, name))}
        values = self._storages[name].quantized(ops.convert_to_tensor(getattr(self, name)))
        return {id(v): ops.convert_to_numpy(x) for v, x in zip(self._kept_in(name).values(), values.values())}

    def save_own_variables(self, store):
        if not self.lora_enabled:
            super().save_own_variables(store)
            return
        merged = self._merged()
        for i, variable in enumerate(self._without_small()):
            store[str(i)] = merged.get(id(variable), variable)

    def load_own_variables(self, store):
        if not self.lora_enabled:
            super().load_own_variables(store)
            return
        stored = self._without_small()
        if len(store.keys()) != len(stored):
            raise ValueError(f"layer {self.name!r}: expected {len(stored)} variables "
                             f"({', '.join(v.name for v in stored)}), received {len(store.keys())}")
        for i, variable in enumerate(stored):
            variable.assign(store[str(i)])
        a, b = self._small()   # their product is in what was stored; and a file is read without drawing numbers
        a.assign(self._a_initializer(a.shape, a.dtype))
        b.assign(ops.zeros(b.shape))

    def get_config(self):
        lora = {} if self.lora_rank is None else {"lora_rank": self.lora_rank, "lora_alpha": self.lora_alpha}
        return {**super().get_config(), **lora}
