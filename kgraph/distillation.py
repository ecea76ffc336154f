"""Distillation: a student model learns from targets and from what a teacher model says.

Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network" (2015).

Args:
    teacher, student: Models.
    teacher_outputs, student_outputs: what they gave.
    x, y, y_pred, sample_weight, training: as for Model.compute_loss.
"""
from __future__ import annotations

from kgraph import losses, metrics, ops, tree
from kgraph.legacy.paths import lookup
from kgraph.models import Model
from kgraph.serialization import deserialize_keras_object, serialize_keras_object

__all__ = ["DistillationLoss", "Distiller", "FeatureDistillation", "LogitsDistillation"]


class DistillationLoss:
    """The base: a scalar from what teacher and student give. A subclass writes compute_loss()."""

    teacher_layer_name = student_layer_name = None   # whose outputs are compared; None: those of the models

    def compute_loss(self, teacher_outputs, student_outputs, **kwargs):
        """A scalar tensor."""
        raise NotImplementedError(f"{type(self).__name__} has no compute_loss()")

    def validate_outputs(self, teacher_outputs, student_outputs):
        """Raise ValueError unless both have one structure."""
        tree.assert_same_structure(teacher_outputs, student_outputs)

    def validate_model_compatibility(self, teacher, student):
        """Raise ValueError for models that cannot be compared so."""


class _ByLoss(DistillationLoss):
    """Applies a loss, or one of a structure for each output; None leaves an output out."""

    def __init__(self, loss):
        self.loss = tree.map_structure(losses.get, loss)
        if all(x is None for x in tree.flatten(self.loss)):
            raise ValueError(f"{type(self).__name__}: expected a loss that is not None, received {loss!r}")

    def validate_outputs(self, teacher_outputs, student_outputs):
        super().validate_outputs(teacher_outputs, student_outputs)
        tree.assert_same_structure(self.loss, teacher_outputs)

    def compute_loss(self, teacher_outputs, student_outputs, **kwargs):
        parts = tree.map_structure(self._one, self.loss, teacher_outputs, student_outputs)
        total, *others = (x for x in tree.flatten(parts) if x is not None)
        for x in others:
            total = total + x
        return total

    def _one(self, loss, teacher, student):
        return None if loss is None else ops.mean(loss(teacher, student))

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "loss": deserialize_keras_object(config["loss"])})


class FeatureDistillation(_ByLoss):
    """A loss between what two layers give, one of the teacher and one of the student, by their names.

    Args:
        loss: a loss, its name, or a structure of them like that of the outputs
        teacher_layer_name, student_layer_name: whose outputs are compared; None: the last ones.
    """

    def __init__(self, loss="mse", teacher_layer_name=None, student_layer_name=None):
        super().__init__(loss)
        self.teacher_layer_name, self.student_layer_name = teacher_layer_name, student_layer_name

    def validate_model_compatibility(self, teacher, student):
        for who, model, name in (("teacher", teacher, self.teacher_layer_name),
                                 ("student", student, self.student_layer_name)):
            if (self.teacher_layer_name or self.student_layer_name) and model.inputs is None:
                raise ValueError(f"FeatureDistillation: expected the {who} to be Functional or Sequential, for layers "
                                 f"by name; received {type(model).__name__}, a subclass of Model")
            if name is not None:
                try:
                    model.get_layer(name=name)
                except ValueError as error:
                    raise ValueError(f"FeatureDistillation: in the {who}: {error}") from None

    def get_config(self):
        """The settings, as plain data.

        Returns:
            A dict, which from_config takes.
        """
        return {"loss": serialize_keras_object(self.loss), "teacher_layer_name": self.teacher_layer_name,
                "student_layer_name": self.student_layer_name}


class LogitsDistillation(_ByLoss):
    """A loss between the logits of teacher and student, each divided by the temperature first.

    Args:
        loss: losses.KLDivergence() compares their softmax, and is multiplied by temperature**2, as the paper has it.
            Any other loss compares the logits themselves: the name "kl_divergence" too, in Keras 3.15.1 and here.
        temperature: divides the logits, above 0; 3.

    Raises:
        ValueError: temperature is not above 0.
    """

    def __init__(self, temperature=3.0, loss="kl_divergence"):
        super().__init__(loss)
        if not isinstance(temperature, (int, float)) or temperature <= 0:
            raise ValueError(f"LogitsDistillation: expected temperature to be a number above 0, received "
                             f"{temperature!r}")
        self.temperature = temperature

    def _one(self, loss, teacher, student):
        if loss is None:
            return None
        teacher, student = teacher / self.temperature, student / self.temperature
        if not isinstance(loss, losses.KLDivergence):
            return ops.mean(loss(teacher, student))
        return ops.mean(loss(ops.softmax(teacher), ops.softmax(student))) * self.temperature ** 2

    def get_config(self):
        """The settings, as plain data.

        Returns:
            A dict, which from_config takes.
        """
        return {"temperature": self.temperature, "loss": serialize_keras_object(self.loss)}


class Distiller(Model):
    """Trains the student on student_loss_weight * its loss + (1 - student_loss_weight) * the sum of the others.

    compile(loss=) is the student's loss. Predictions are the student's.

    Args:
        teacher, student: models of the same inputs and outputs; the teacher is not trained
        distillation_losses: a DistillationLoss, or several
        distillation_loss_weights: a number for each, 1 by default
        student_loss_weight: of the student's own loss, 0.5.
    """

    def __init__(self, teacher, student, distillation_losses, distillation_loss_weights=None, student_loss_weight=0.5,
                 name="distiller", **kwargs):
        super().__init__(name=name, **kwargs)
        if not isinstance(student_loss_weight, (int, float)) or not 0 <= student_loss_weight <= 1:
            raise ValueError("Distiller: expected student_loss_weight in [0, 1], received "
                             f"{student_loss_weight!r}")
        several = isinstance(distillation_losses, (list, tuple))
        found = list(distillation_losses) if several else [distillation_losses]
        weights = [1.0] * len(found) if distillation_loss_weights is None else list(distillation_loss_weights)
        if not found or None in found or len(weights) != len(found):
            raise ValueError("Distiller: expected distillation_losses and a weight for each, received "
                             f"{distillation_losses!r} and {distillation_loss_weights!r}")
        _check_alike(teacher, student)
        for loss in found:
            loss.validate_model_compatibility(teacher, student)
        self.teacher, self.student = teacher, student
        self.teacher.trainable = False
        self.distillation_losses, self.distillation_loss_weights = found, weights
        self.student_loss_weight = student_loss_weight
        self._features = [_features(model, [getattr(loss, f"{who}_layer_name") for loss in found])
                          for who, model in (("teacher", teacher), ("student", student))]
        self.student_loss_tracker = metrics.Mean(name="student_loss")
        self.distillation_loss_tracker = metrics.Mean(name="distillation_loss")
        self.total_loss_tracker = metrics.Mean(name="total_loss")

    def compile(self, optimizer="adam", loss=None, metrics=None, **kwargs):
        if loss is None:
            raise ValueError("Distiller.compile: expected the student's loss, received loss=None")
        self._student_loss = tree.map_structure(losses.get, loss)
        super().compile(optimizer=optimizer, loss=None, metrics=metrics, **kwargs)

    def call(self, inputs, training=None):
        """What the student says.

        Args:
            inputs: as the student takes them
        """
        return self.student(inputs, training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The student's own loss and those of distillation, added by their weights.

        Returns:
            A scalar.
        """
        y_pred = self(x, training=training) if y_pred is None else y_pred
        student_loss = distilled = ops.convert_to_tensor(0.0)
        if self.student_loss_weight > 0 and y is not None:
            parts = tree.flatten(tree.map_structure(lambda loss, a, b: ops.mean(loss(a, b)), self._student_loss, y,
                                                    y_pred))
            student_loss = ops.sum(ops.stack(parts))
        if self.student_loss_weight < 1:
            teacher, student = (features(x, training=mode) if features else {} for features, mode in
                                zip(self._features, (False, True)))
            said = teacher.get(None) if teacher else self.teacher(x, training=False)
            for loss, weight in zip(self.distillation_losses, self.distillation_loss_weights):
                distilled = distilled + weight * self._distilled(loss, teacher, student, said, y_pred)
        total = self.student_loss_weight * student_loss + (1 - self.student_loss_weight) * distilled
        for tracker, value in ((self.student_loss_tracker, student_loss), (self.total_loss_tracker, total),
                               (self.distillation_loss_tracker, distilled)):
            tracker.update_state(value)
        return total

    def _distilled(self, loss, teacher, student, said, y_pred):
        a = teacher[loss.teacher_layer_name] if loss.teacher_layer_name else said
        b = student[loss.student_layer_name] if loss.student_layer_name else y_pred
        loss.validate_outputs(a, b)
        found = loss.compute_loss(a, b)
        if getattr(found, "shape", ()) != ():
            raise ValueError(f"{type(loss).__name__}: expected a scalar from compute_loss, received shape "
                             f"{found.shape}")
        return found

    def get_config(self):
        return {"name": self.name, "teacher": serialize_keras_object(self.teacher),
                "student": serialize_keras_object(self.student),
                "distillation_losses": [serialize_keras_object(loss) for loss in self.distillation_losses],
                "distillation_loss_weights": self.distillation_loss_weights,
                "student_loss_weight": self.student_loss_weight}

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        for name in ("teacher", "student"):
            config[name] = deserialize_keras_object(config[name])
        config["distillation_losses"] = [deserialize_keras_object(loss) for loss in config["distillation_losses"]]
        return cls(**config)


def _check_alike(teacher, student):
    """Raise ValueError unless both are models, with inputs and outputs alike where these are known."""
    for who, model in (("teacher", teacher), ("student", student)):
        if not isinstance(model, Model):
            raise ValueError(f"Distiller: expected the {who} to be a Model, received {model!r}")
    for what in ("inputs", "outputs"):
        one, two = getattr(teacher, what), getattr(student, what)
        if one is None or two is None:
            continue
        differ = lambda a, b: a.dtype != b.dtype or len(a.shape) != len(b.shape) or any(
            None not in (m, n) and m != n for m, n in zip(a.shape, b.shape))
        if len(one) != len(two) or any(map(differ, one, two)):
            told = [", ".join(f"{x.dtype}{x.shape}" for x in part) for part in (one, two)]
            raise ValueError(f"Distiller: expected {what} of teacher and student alike, received {told[0]} and "
                             f"{told[1]}")


def _features(model, names):
    """A model that gives the outputs of these layers by name, and its own under None; None without names."""
    names = [name for name in dict.fromkeys(names) if name]
    if not names:
        return None
    final = model.outputs[0] if len(model.outputs) == 1 else model.outputs
    inner = Model(model.inputs, [*(model.get_layer(name=name).output for name in names), final])

    def features(x, training):
        return dict(zip([*names, None], inner(x, training=training)))
    return features


OBJECTS = {x.__name__: x for x in (DistillationLoss, Distiller, FeatureDistillation, LogitsDistillation)}


def __getattr__(name):
    return lookup(__name__, name, __all__)


def __dir__():
    return sorted(__all__)
