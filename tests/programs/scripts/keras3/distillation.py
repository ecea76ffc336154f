"""A student learns from its teacher's soft answers: compile() and compute_loss() of one's own."""
import numpy as np

import keras
from keras import layers, ops


class Distiller(keras.Model):
    def __init__(self, student, teacher):
        super().__init__()
        self.teacher = teacher
        self.student = student

    def compile(self, optimizer, metrics, student_loss_fn, distillation_loss_fn, alpha=0.1, temperature=3):
        super().compile(optimizer=optimizer, metrics=metrics)
        self.student_loss_fn = student_loss_fn
        self.distillation_loss_fn = distillation_loss_fn
        self.alpha = alpha
        self.temperature = temperature

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, allow_empty=False):
        teacher_pred = self.teacher(x, training=False)
        student_loss = self.student_loss_fn(y, y_pred)
        distillation_loss = self.distillation_loss_fn(
            ops.softmax(teacher_pred / self.temperature, axis=1),
            ops.softmax(y_pred / self.temperature, axis=1)) * (self.temperature ** 2)
        return self.alpha * student_loss + (1 - self.alpha) * distillation_loss

    def call(self, x):
        return self.student(x)


def make(width, name):
    return keras.Sequential([keras.Input((6, 6, 1)), layers.Conv2D(width, 3, strides=2, padding="same"),
                             layers.LeakyReLU(negative_slope=0.2), layers.MaxPooling2D(2, strides=1, padding="same"),
                             layers.Flatten(), layers.Dense(3)], name=name)


rng = np.random.RandomState(5)
teacher, student = make(6, "teacher"), make(2, "student")
for model in (teacher, student):
    model.set_weights([rng.normal(0, 0.4, w.shape) for w in model.get_weights()])
x, y = rng.rand(12, 6, 6, 1).astype("float32"), np.arange(12) % 3
teacher.compile(keras.optimizers.Adam(), keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                metrics=[keras.metrics.SparseCategoricalAccuracy()])
first = teacher.fit(x, y, epochs=2, batch_size=6, shuffle=False, verbose=0).history["loss"]
distiller = Distiller(student=student, teacher=teacher)
distiller.compile(optimizer=keras.optimizers.Adam(), metrics=[keras.metrics.SparseCategoricalAccuracy()],
                  student_loss_fn=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                  distillation_loss_fn=keras.losses.KLDivergence(), alpha=0.1, temperature=10)
second = distiller.fit(x, y, epochs=3, batch_size=6, shuffle=False, verbose=0).history["loss"]
third = distiller.evaluate(x, y, verbose=0)
print("values:", *first, *second, *third)
