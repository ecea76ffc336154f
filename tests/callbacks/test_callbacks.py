"""What each callback does to a small training."""
import csv
import http.server
import json
import threading
import urllib.parse

import numpy as np
import pytest

import kgraph as K
from kgraph import callbacks, layers


def data(n=40):
    g = np.random.default_rng(0)
    x = g.normal(size=(n, 4)).astype("float32")
    return x, (x[:, :1] > 0).astype("float32")


X, Y = data()


def model(optimizer="sgd", metrics=("accuracy",)):
    K.set_random_seed(4)
    inputs = K.Input((4,))
    hidden = layers.Dropout(0.3)(layers.Dense(6, activation="tanh")(inputs))
    m = K.Model(inputs, layers.Dense(1, activation="sigmoid")(hidden))
    m.compile(optimizer, "binary_crossentropy", metrics=list(metrics))
    return m


def scripted(callback, values, monitor="val_loss", m=None, **logs):
    """Run a callback over epochs whose logs are given; the epochs at which it stopped."""
    m = m or model()
    callback.set_model(m)
    callback.set_params({"epochs": len(values)})
    m.stop_training = False
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, {monitor: value, **logs})
        if m.stop_training:
            break
    callback.on_train_end()
    return epoch


def test_history():
    m = model()
    history = m.fit(X, Y, epochs=3, verbose=0, validation_data=(X, Y))
    assert history is m.history and history.epoch == [0, 1, 2]
    assert set(history.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert history.history["val_acc"] == history.history["val_accuracy"] and "acc" not in dict(history.history)
    with pytest.raises(KeyError):
        history.history["f1"]


def test_order_of_hooks():
    class Log(callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.seen = []

        def __getattribute__(self, name):
            if name.startswith("on_") and name not in ("on_batch_begin", "on_batch_end"):
                return lambda *args, **kwargs: self.seen.append(name)
            return super().__getattribute__(name)

        def sees_batches(self, mode):
            return True

    log = Log()
    model().fit(X[:16], Y[:16], batch_size=8, verbose=0, validation_data=(X[:8], Y[:8]), callbacks=[log])
    step = ["on_train_batch_begin", "on_train_batch_end", "on_progress"]
    assert log.seen == ["on_train_begin", "on_epoch_begin", *step, *step, "on_test_begin", "on_test_batch_begin",
                        "on_test_batch_end", "on_progress", "on_test_end", "on_epoch_end", "on_train_end"]


def test_lambda_callback():
    seen = []
    m = model()
    m.fit(X, Y, epochs=2, verbose=0, callbacks=[callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(epoch), on_train_begin=lambda logs: seen.append("begin"))])
    assert seen == ["begin", 0, 1]


@pytest.mark.parametrize("kwargs, values, stop", [
    ({"patience": 0}, [1.0, 0.9, 0.95], 2),
    ({"patience": 2}, [1.0, 1.1, 0.9, 1.0, 1.0, 0.5], 4),
    ({"patience": 1, "min_delta": 0.2}, [1.0, 0.9, 0.7, 0.75], 1),
    ({"patience": 1, "mode": "max"}, [1.0, 1.1, 1.0, 2.0], 2),
    ({"patience": 1, "baseline": 0.5}, [1.0, 0.9, 0.95, 0.4], 2),
    ({"patience": 1, "start_from_epoch": 3}, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 4),
    ({"patience": 9}, [1.0, 0.9], 1)])
def test_early_stopping(kwargs, values, stop):
    assert scripted(callbacks.EarlyStopping(**kwargs), values) == stop


def test_early_stopping_is_new_in_each_fit_and_restores():
    m = model()
    stopping = callbacks.EarlyStopping(patience=1, restore_best_weights=True)
    weights = []

    class Change(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            m.set_weights([w + 1 for w in m.get_weights()])
            weights.append(m.get_weights())

    change = Change()
    for values in ([1.0, 0.5, 0.7], [3.0, 2.0, 2.5]):
        weights.clear()
        for callback in (stopping, change):
            callback.set_model(m)
        m.stop_training = False
        stopping.on_train_begin()
        for epoch, value in enumerate(values):
            change.on_epoch_begin(epoch)
            stopping.on_epoch_end(epoch, {"val_loss": value})
        assert m.stop_training and stopping.stopped_epoch == 2
        stopping.on_train_end()
        assert all(np.array_equal(a, b) for a, b in zip(m.get_weights(), weights[1]))


def test_monitor_direction_and_missing_values():
    m = model(metrics=["accuracy", "mae", "AUC"])
    m.fit(X, Y, verbose=0)
    for name, sign in (("val_accuracy", 1), ("mae", -1), ("val_loss", -1), ("AUC", 1), ("val_side_loss", -1)):
        callback = callbacks.EarlyStopping(name)
        callback.set_model(m)
        assert callback._find_sign() == sign
    callback = callbacks.EarlyStopping("speed")
    callback.set_model(m)
    with pytest.raises(ValueError, match="mode='max'"):
        callback.improves(1, 2)
    with pytest.warns(UserWarning, match="'accurcy' is not among the logs.*'accuracy'"):
        callbacks.EarlyStopping("accurcy").get_monitor_value({"loss": 1, "accuracy": 1})
    with pytest.warns(UserWarning, match="mode"):
        callbacks.EarlyStopping(mode="best")


def test_restore_best_weights_never_stops():
    assert scripted(callbacks.RestoreBestWeights(), [1.0, 2.0, 3.0, 4.0]) == 3


@pytest.mark.parametrize("kwargs, values, rates", [
    ({"patience": 1, "factor": 0.5}, [1, 1, 1, 0.5, 0.5], [0.01, 0.005, 0.0025, 0.0025, 0.00125]),
    ({"patience": 1, "factor": 0.5, "cooldown": 2}, [1, 1, 1, 1, 1], [0.01, 0.005, 0.005, 0.0025, 0.0025]),
    ({"patience": 2, "factor": 0.1, "min_lr": 0.004}, [1, 1, 1, 1, 1], [0.01, 0.01, 0.004, 0.004, 0.004])])
def test_reduce_lr_on_plateau(kwargs, values, rates):
    m, seen = model(), []
    callback = callbacks.ReduceLROnPlateau(**kwargs)
    callback.set_model(m)
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        logs = {"val_loss": value}
        callback.on_epoch_end(epoch, logs)
        assert "learning_rate" in logs
        seen.append(float(np.asarray(m.optimizer.learning_rate)))
    np.testing.assert_allclose(seen, rates, rtol=1e-5)


def test_reduce_lr_of_each_of_several_optimizers():
    m = model(K.optimizers.MultiOptimizer(K.optimizers.OptimizerMap(
        K.optimizers.SGD(0.1), {".*bias": K.optimizers.SGD(0.4)})))
    m.optimizer.build(m.trainable_variables)
    scripted(callbacks.ReduceLROnPlateau(patience=1, factor=0.5), [1.0, 1.0], m=m)
    np.testing.assert_allclose(sorted(float(o.learning_rate) for o in m.optimizer.optimizers), [0.05, 0.2], rtol=1e-6)


def test_reduce_lr_arguments():
    with pytest.raises(ValueError, match="factor"):
        callbacks.ReduceLROnPlateau(factor=1.0)
    with pytest.warns(FutureWarning, match="min_delta"):
        assert callbacks.ReduceLROnPlateau(epsilon=0.5).min_delta == 0.5
    with pytest.raises(TypeError, match="'patience'"):
        callbacks.ReduceLROnPlateau(patince=1)


@pytest.mark.parametrize("schedule", [lambda epoch: 0.1 / (epoch + 1), lambda epoch, rate: rate * 0.5])
def test_learning_rate_scheduler(schedule):
    m = model(K.optimizers.SGD(0.2))
    history = m.fit(X, Y, epochs=3, verbose=0, callbacks=[callbacks.LearningRateScheduler(schedule)]).history
    two = schedule.__code__.co_argcount == 2
    np.testing.assert_allclose(history["learning_rate"], [0.1, 0.05, 0.025] if two else [0.1, 0.05, 0.1 / 3], rtol=1e-5)
    assert history["lr"] == history["learning_rate"]
    with pytest.raises(ValueError, match="float"):
        m.fit(X, Y, verbose=0, callbacks=[callbacks.LearningRateScheduler(lambda epoch: "fast")])


def test_csv_logger(tmp_path):
    path = tmp_path / "log.csv"
    m = model()
    m.fit(X, Y, epochs=2, verbose=0, callbacks=[callbacks.CSVLogger(path)])
    rows = list(csv.reader(path.open()))
    assert rows[0] == ["epoch", "accuracy", "loss"] and [r[0] for r in rows[1:]] == ["0", "1"]
    assert float(rows[1][2]) == m.history.history["loss"][0]
    with pytest.warns(UserWarning, match="no column for val_accuracy, val_loss"):
        m.fit(X, Y, epochs=1, verbose=0, validation_data=(X, Y), callbacks=[callbacks.CSVLogger(path, append=True)])
    rows = list(csv.reader(path.open()))
    assert len(rows) == 4 and all(len(r) == 3 for r in rows)
    m.fit(X, Y, epochs=2, verbose=0, validation_data=(X, Y), validation_freq=2,
          callbacks=[callbacks.CSVLogger(tmp_path / "b.csv", separator=";")])
    assert (tmp_path / "b.csv").read_text().startswith("epoch;accuracy;loss\n0;")


def test_terminate_on_nan(capsys):
    bad = X.copy()
    bad[20] = np.inf
    m = model()
    history = m.fit(bad, Y, batch_size=8, epochs=4, shuffle=False, verbose=0, callbacks=[callbacks.TerminateOnNaN()])
    out = capsys.readouterr().out
    assert history.epoch == [0] and "Batch 2: the loss is nan" in out and "x has values that are not finite" in out
    inputs = K.Input((4,))
    m = K.Model(inputs, layers.Dense(1, kernel_initializer="ones", name="last")(inputs))
    m.compile("sgd", "mse")
    m.fit(X * 1e38, Y, batch_size=8, epochs=4, shuffle=False, verbose=0, callbacks=[callbacks.TerminateOnNaN()])
    out = capsys.readouterr().out
    assert "Batch 0: the loss is inf; first bad value: " in out
    with pytest.raises(RuntimeError, match="the loss is nan"):
        model().fit(bad, Y, verbose=0, callbacks=[callbacks.TerminateOnNaN(raise_error=True)])


def test_remote_monitor():
    received = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            received.append((self.headers["Content-Type"], body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    root = f"http://127.0.0.1:{server.server_port}"
    m = model()
    m.fit(X, Y, verbose=0, callbacks=[callbacks.RemoteMonitor(root), callbacks.RemoteMonitor(root, send_as_json=True)])
    server.shutdown()
    server.server_close()
    loss = m.history.history["loss"][0]
    assert json.loads(urllib.parse.parse_qs(received[0][1])["data"][0])["loss"] == loss
    assert received[1][0] == "application/json" and json.loads(received[1][1])["epoch"] == 0
    with pytest.warns(UserWarning, match="could not reach"):
        m.fit(X, Y, verbose=0, callbacks=[callbacks.RemoteMonitor(root)])


def test_swap_ema_weights():
    m = model(K.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.9))
    swap = callbacks.SwapEMAWeights()
    weights = {}

    class Look(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            weights["train"] = m.get_weights()

        def on_test_begin(self, logs=None):
            weights["test"] = m.get_weights()

    m.fit(X, Y, epochs=2, verbose=0, validation_data=(X, Y), callbacks=[swap, Look()])
    assert not np.array_equal(weights["train"][0], weights["test"][0])
    assert all(np.array_equal(a, b) for a, b in zip(m.get_weights(), weights["test"]))
    with pytest.raises(ValueError, match="use_ema=True"):
        model().fit(X, Y, verbose=0, validation_data=(X, Y), callbacks=[callbacks.SwapEMAWeights()])


class Kill(callbacks.Callback):
    """Ends a run in the middle, once."""

    def __init__(self, at):
        super().__init__()
        self.at = at
        self.now = None

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.now, batch) == self.at:
            raise RuntimeError("killed")


def train(backup=None, at=None, shuffle=True, **kwargs):
    m = model("adam")
    used = [callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=0.1), Kill(at)]
    history = None
    try:
        history = m.fit(X, Y, batch_size=8, epochs=4, verbose=0, shuffle=shuffle, callbacks=[backup, *used],
                        **kwargs).history
    except RuntimeError:
        assert at is not None
    return m, history


@pytest.mark.parametrize("save_freq", ["epoch", 1, 3, 5])
@pytest.mark.parametrize("at", [(0, 0), (0, 4), (1, 3), (3, 4)])
def test_backup_and_restore_resumes_bit_for_bit(tmp_path, save_freq, at):
    whole, expected = train()
    folder = tmp_path / "backup"
    train(callbacks.BackupAndRestore(folder, save_freq), at)
    resumed, history = train(callbacks.BackupAndRestore(folder, save_freq))
    assert all(np.array_equal(a, b) for a, b in zip(whole.get_weights(), resumed.get_weights()))
    assert history == expected and not folder.exists()
    assert all(np.array_equal(a.numpy(), b.numpy())
               for a, b in zip(whole.optimizer.variables, resumed.optimizer.variables))


@pytest.mark.parametrize("save_freq, at", [("epoch", (2, 0)), (1, (1, 1)), (1, (2, 0)), (3, (3, 1))])
def test_backup_of_epochs_that_share_the_data(tmp_path, save_freq, at):
    whole, _ = train(steps_per_epoch=2)
    train(callbacks.BackupAndRestore(tmp_path / "b", save_freq), at, steps_per_epoch=2)
    resumed, _ = train(callbacks.BackupAndRestore(tmp_path / "b", save_freq), steps_per_epoch=2)
    assert all(np.array_equal(a, b) for a, b in zip(whole.get_weights(), resumed.get_weights()))


def test_backup_outside_of_fit():
    m = model("sgd")
    with pytest.raises(RuntimeError, match="callback of fit"):
        callbacks.CallbackList([callbacks.BackupAndRestore("nowhere")], model=m).on_train_begin()
    callbacks.CallbackList([callbacks.TerminateOnNaN()], model=m).on_train_begin()


def test_backup_of_another_model_and_damaged_files(tmp_path):
    folder = tmp_path / "backup"
    train(callbacks.BackupAndRestore(folder, double_checkpoint=True), (2, 1))
    inputs = K.Input((4,))
    other = K.Model(inputs, layers.Dense(1)(inputs))
    other.compile("adam", "mse")
    with pytest.raises(ValueError, match="another model"):
        other.fit(X, Y, verbose=0, callbacks=[callbacks.BackupAndRestore(folder)])
    (folder / "training.npz").write_bytes(b"PK damaged")
    with pytest.raises(ValueError, match="cannot be read"):
        train(callbacks.BackupAndRestore(folder))
    with pytest.warns(UserWarning, match="the state before it is used"):
        resumed, _ = train(callbacks.BackupAndRestore(folder, double_checkpoint=True))
    assert all(np.array_equal(a, b) for a, b in zip(train()[0].get_weights(), resumed.get_weights()))
    with pytest.raises(ValueError, match="save_freq"):
        callbacks.BackupAndRestore(folder, save_freq="batch")
    with pytest.raises(ValueError, match="backup_dir"):
        callbacks.BackupAndRestore("")


class Saver:
    """Stands for a model in tests of when and where files are written."""

    def __init__(self):
        self.saved = []

    def save(self, path, overwrite):
        self.saved.append(path)

    save_weights = save


@pytest.mark.parametrize("kwargs, expected", [
    ({}, ["1-1.00.keras", "2-0.50.keras", "3-0.70.keras"]),
    ({"save_best_only": True}, ["1-1.00.keras", "2-0.50.keras"]),
    ({"save_best_only": True, "initial_value_threshold": 0.8}, ["2-0.50.keras"]), ({"period": 2}, ["2-0.50.keras"]),
    ({"save_best_only": True, "mode": "max"}, ["1-1.00.keras"])])
def test_model_checkpoint(tmp_path, kwargs, expected):
    callback = callbacks.ModelCheckpoint(tmp_path / "{epoch}-{val_loss:.2f}.keras", **kwargs)
    saver = Saver()
    scripted(callback, [1.0, 0.5, 0.7], m=saver)
    assert [p.split("/")[-1] for p in saver.saved] == expected


def test_model_checkpoint_by_batches(tmp_path):
    callback = callbacks.ModelCheckpoint(tmp_path / "{epoch}-{batch}.weights.h5", save_weights_only=True, save_freq=3)
    callback.set_model(Saver())
    for epoch in range(2):
        callback.on_epoch_begin(epoch)
        for batch in range(4):
            callback.on_train_batch_end(batch, {"loss": 1.0})
    assert [p.split("/")[-1] for p in callback.model.saved] == ["1-3.weights.h5", "2-2.weights.h5"]


def test_model_checkpoint_errors(tmp_path):
    with pytest.raises(ValueError, match="filepath"):
        callbacks.ModelCheckpoint("model.pt")
    with pytest.raises(ValueError, match="save_freq"):
        callbacks.ModelCheckpoint("m.keras", save_freq="batch")
    with pytest.raises(TypeError, match="'save_best_only'"):
        callbacks.ModelCheckpoint("m.keras", save_best=True)
    callback = callbacks.ModelCheckpoint(tmp_path / "{val_los}.keras")
    callback.set_model(Saver())
    with pytest.raises(KeyError, match="'val_los'.*'val_loss'"):
        callback.on_epoch_end(0, {"val_loss": 1.0})
    (tmp_path / "d.keras").mkdir()
    callback = callbacks.ModelCheckpoint(tmp_path / "d.keras")
    callback.set_model(Saver())
    with pytest.raises(IsADirectoryError, match="file name"):
        callback.on_epoch_end(0, {"val_loss": 1.0})
