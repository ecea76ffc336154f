"""Methods of models that Keras 2 had and Keras 3 has not; each says once what to call today."""
from __future__ import annotations

from kgraph.legacy.words import with_old_counts
from kgraph.naming import warn_at_user
from kgraph.training.compile_args import CompileMetrics

__all__ = ["Keras2Methods"]


class Keras2Methods:
    """fit_generator and its relatives, the two names of predict for classifiers, and what a train_step called."""

    @property
    def stateful(self) -> bool:
        """Whether a layer keeps states from one batch to the next."""
        return any(getattr(layer, "stateful", False) for layer in self._all_layers() if layer is not self)

    @property
    def state_updates(self) -> list:
        """The variables that stateful layers change with each batch."""
        stateful = [layer for layer in self._all_layers() if layer is not self and getattr(layer, "stateful", False)]
        return [v for layer in stateful for v in layer.non_trainable_variables]

    @property
    def sample_weights(self) -> list:
        """Keras 2's placeholders for sample weights; weights are arguments of fit here, so there are none."""
        return []

    @with_old_counts
    def fit_generator(self, generator, steps_per_epoch=None, epochs=1, verbose=1, callbacks=None, validation_data=None,
                      validation_steps=None, validation_freq=1, class_weight=None, max_queue_size=10, workers=1,
                      use_multiprocessing=False, shuffle=True, initial_epoch=0):
        """Keras 2's fit for generators: fit takes them."""
        _modern("fit_generator", "fit")
        return self.fit(generator, steps_per_epoch=steps_per_epoch, epochs=epochs, verbose=verbose, callbacks=callbacks,
                        validation_data=validation_data, validation_steps=validation_steps,
                        validation_freq=validation_freq, class_weight=class_weight, shuffle=shuffle,
                        initial_epoch=initial_epoch, max_queue_size=max_queue_size, workers=workers,
                        use_multiprocessing=use_multiprocessing)

    @with_old_counts
    def evaluate_generator(self, generator, steps=None, callbacks=None, max_queue_size=10, workers=1,
                           use_multiprocessing=False, verbose=0):
        """Keras 2's evaluate for generators: evaluate takes them."""
        _modern("evaluate_generator", "evaluate")
        return self.evaluate(generator, steps=steps, callbacks=callbacks, verbose=verbose, workers=workers,
                             max_queue_size=max_queue_size, use_multiprocessing=use_multiprocessing)

    @with_old_counts
    def predict_generator(self, generator, steps=None, callbacks=None, max_queue_size=10, workers=1,
                          use_multiprocessing=False, verbose=0):
        """Keras 2's predict for generators: predict takes them."""
        _modern("predict_generator", "predict")
        return self.predict(generator, steps=steps, callbacks=callbacks, verbose=verbose, workers=workers,
                            max_queue_size=max_queue_size, use_multiprocessing=use_multiprocessing)

    def _make_predict_function(self):
        """Keras 2's way to use a model in several threads, with no effect: any thread may call predict."""
        warn_at_user("_make_predict_function() and its kin have no effect: fit, evaluate and predict make their "
                     "functions, in any thread; leave it out", FutureWarning)

    _make_train_function = _make_test_function = _make_predict_function

    def compiled_loss(self, y, y_pred, sample_weight=None, regularization_losses=None):
        """tf.keras 2's loss of compile() in a train_step: compute_loss, added to the mean ``loss`` that is reported.

        regularization_losses are in it anyway.
        """
        _modern("compiled_loss", "compute_loss(x, y, y_pred, sample_weight)")
        loss = self.compute_loss(y=y, y_pred=y_pred, sample_weight=sample_weight)
        self._track_loss(loss, y_pred)
        return loss

    @property
    def compiled_metrics(self):
        """tf.keras 2's metrics of compile() in a train_step: something with update_state(y, y_pred, sample_weight)."""
        _modern("compiled_metrics.update_state", "compute_metrics(x, y, y_pred, sample_weight)")
        return CompileMetrics(None, None) if self._compile_metrics is None else self._compile_metrics

    def predict_proba(self, x, batch_size=32, verbose=0):
        """Keras 2's predict of a classifier."""
        _modern("predict_proba", "predict")
        return self.predict(x, batch_size=batch_size, verbose=verbose)

    def predict_classes(self, x, batch_size=32, verbose=0):
        """Keras 2: the class ids that a classifier predicts (of one sigmoid output: whether it is above 0.5)."""
        _modern("predict_classes", "predict(...).argmax(-1), or (predict(...) > 0.5).astype('int32')")
        p = self.predict(x, batch_size=batch_size, verbose=verbose)
        return p.argmax(axis=-1) if p.shape[-1] > 1 else (p > 0.5).astype("int32")


def _modern(old, new):
    warn_at_user(f"{old}() is now {new}", FutureWarning)
