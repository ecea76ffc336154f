"""What kgraph and Keras are both asked to compute: name -> function of the library. make.py keeps Keras's answers.

Everything is seeded; the functions use only names that the two libraries share.
"""
from __future__ import annotations

import itertools

import numpy as np


def rng(seed=0):
    return np.random.default_rng(seed)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return (e / e.sum(-1, keepdims=True)).astype("float32")


def onehot(ids, n):
    return np.eye(n, dtype="float32")[ids]


def numbers(K, value):
    return np.asarray(K.ops.convert_to_numpy(value), "float64")


# -- losses: kind of inputs, classes, their settings

_PROBS = softmax(rng(1).normal(size=(6, 4, 5)))
_LOGITS = rng(2).normal(size=(6, 4, 5)).astype("float32") * 3
_IDS = rng(3).integers(0, 5, (6, 4))
_BITS = rng(4).integers(0, 2, (6, 4, 5)).astype("float32")
_LABELS = np.array([[1, 2], [3, 3], [4, 0], [1, 1], [0, 0], [2, 1]])
_UNIT = rng(5).random((6, 4, 5)).astype("float32")
_REAL = rng(6).normal(size=(6, 4, 5)).astype("float32")
_REAL2 = rng(7).normal(size=(6, 4, 5)).astype("float32")

LOSSES = {
    "MeanSquaredError": ("real", [{}]),
    "MeanAbsoluteError": ("real", [{}]),
    "MeanAbsolutePercentageError": ("real", [{}]),
    "MeanSquaredLogarithmicError": ("unit", [{}]),
    "CosineSimilarity": ("real", [{}, {"axis": 1}]),
    "Huber": ("real", [{}, {"delta": 0.4}]),
    "LogCosh": ("real", [{}]),
    "KLDivergence": ("probs", [{}]),
    "Poisson": ("unit", [{}]),
    "Hinge": ("bits", [{}]),
    "SquaredHinge": ("bits", [{}]),
    "CategoricalHinge": ("onehot", [{}]),
    "BinaryCrossentropy": ("bits", [{}, {"label_smoothing": 0.2}, {"from_logits": True}, {"axis": 1}]),
    "BinaryFocalCrossentropy": ("bits", [{}, {"apply_class_balancing": True, "alpha": 0.4}, {"gamma": 1.5},
                                         {"from_logits": True, "label_smoothing": 0.1}]),
    "CategoricalCrossentropy": ("onehot", [{}, {"label_smoothing": 0.1}, {"from_logits": True}]),
    "CategoricalFocalCrossentropy": ("onehot", [{}, {"alpha": 0.5, "gamma": 1.0}, {"from_logits": True},
                                                {"label_smoothing": 0.1}]),
    "SparseCategoricalCrossentropy": ("sparse", [{}, {"from_logits": True}, {"ignore_class": 2},
                                                 {"ignore_class": 2, "from_logits": True}]),
    "Dice": ("bits", [{}, {"axis": (1, 2)}]),
    "Tversky": ("bits", [{}, {"alpha": 0.3, "beta": 0.7}, {"axis": (1, 2)}]),
    "Circle": ("embedding", [{}, {"remove_diagonal": False}, {"gamma": 8.0, "margin": 0.2}]),
    "CategoricalGeneralizedCrossEntropy": ("sparse", [{}, {"q": 0.2}]),
    "CTC": ("labels", [{}]),
}
REDUCTIONS = ("sum_over_batch_size", "sum", "mean_with_sample_weight", "none")


def loss_inputs(kind, settings):
    logits = settings.get("from_logits")
    pred = {"real": _REAL2, "unit": _UNIT + 0.01, "probs": _PROBS, "bits": _LOGITS if logits else _UNIT,
            "onehot": _LOGITS if logits else _PROBS, "sparse": _LOGITS if logits else _PROBS,
            "labels": _LOGITS, "embedding": (_REAL[:, 0] / np.linalg.norm(_REAL[:, 0], axis=-1, keepdims=True))}[kind]
    true = {"real": _REAL, "unit": _UNIT[::-1] * 2, "probs": _PROBS[::-1].copy(), "bits": _BITS, "labels": _LABELS,
            "onehot": onehot(_IDS, 5), "sparse": _IDS, "embedding": np.array([0, 1, 0, 2, 1, 0])}[kind]
    return true, pred


def loss_case(name, kind, settings, reduction, weighted):
    def run(K):
        true, pred = loss_inputs(kind, settings)
        values = getattr(K.losses, name)(**settings, reduction="none")(true, pred)
        weight = None
        if weighted:
            shape = np.shape(values)
            weight = rng(8).random(shape[:1] if weighted == "rows" else shape).astype("float32")
        return numbers(K, getattr(K.losses, name)(**settings, reduction=reduction)(true, pred, sample_weight=weight))
    return run


def loss_cases():
    found = {}
    for name, (kind, variants) in LOSSES.items():
        for i, settings in enumerate(variants):
            for reduction, weighted in itertools.product(REDUCTIONS if i == 0 else REDUCTIONS[:1],
                                                         (None, "full") if i == 0 else (None,)):
                scalar = name in ("Dice", "Tversky") and not settings
                if scalar and (weighted or reduction != "sum_over_batch_size"):
                    continue
                key = f"{name}-{i}-{reduction}-{weighted or 'plain'}"
                found[key] = loss_case(name, kind, settings, reduction, weighted)
    return found


# -- metrics: two updates, the second with weights where there are any

METRICS = {
    "MeanSquaredError": ("real", [{}]), "RootMeanSquaredError": ("real", [{}]), "MeanAbsoluteError": ("real", [{}]),
    "MeanAbsolutePercentageError": ("real", [{}]), "MeanSquaredLogarithmicError": ("unit", [{}]),
    "CosineSimilarity": ("real", [{}]), "LogCoshError": ("real", [{}]), "R2Score": ("real", [
        {}, {"class_aggregation": None}, {"class_aggregation": "variance_weighted_average"}, {"num_regressors": 3}]),
    "Hinge": ("bits", [{}]), "SquaredHinge": ("bits", [{}]), "CategoricalHinge": ("onehot", [{}]),
    "KLDivergence": ("probs", [{}]), "Poisson": ("unit", [{}]),
    "BinaryCrossentropy": ("bits", [{}, {"label_smoothing": 0.2}]),
    "CategoricalCrossentropy": ("onehot", [{}, {"label_smoothing": 0.2}]),
    "SparseCategoricalCrossentropy": ("sparse", [{}, {"ignore_class": 1}]),
    "Accuracy": ("ids", [{}]), "BinaryAccuracy": ("bits", [{}, {"threshold": 0.3}]),
    "CategoricalAccuracy": ("onehot", [{}]), "SparseCategoricalAccuracy": ("sparse", [{}]),
    "TopKCategoricalAccuracy": ("onehot", [{"k": 2}]), "SparseTopKCategoricalAccuracy": ("sparse", [{"k": 3}]),
    "TruePositives": ("bits", [{}, {"thresholds": [0.2, 0.5, 0.8]}]), "FalsePositives": ("bits", [{}]),
    "TrueNegatives": ("bits", [{}]), "FalseNegatives": ("bits", [{"thresholds": 0.7}]),
    "Precision": ("bits", [{}, {"thresholds": [0.1, 0.6]}, {"top_k": 2}, {"class_id": 1}]),
    "Recall": ("bits", [{}, {"thresholds": [0.0, 0.5, 1.0]}, {"top_k": 2, "class_id": 0}]),
    "AUC": ("bits", [{}, {"curve": "PR"}, {"curve": "PRGAIN"}, {"num_thresholds": 20, "summation_method": "majoring"},
                     {"num_thresholds": 20, "summation_method": "minoring", "curve": "PR"},
                     {"thresholds": [0.3, 0.4, 0.9]}, {"multi_label": True, "num_thresholds": 30},
                     {"multi_label": True, "label_weights": [0.1, 0.2, 0.3, 0.2, 0.2], "curve": "PR"}]),
    "SensitivityAtSpecificity": ("bits", [{"specificity": 0.5}]),
    "SpecificityAtSensitivity": ("bits", [{"sensitivity": 0.5, "num_thresholds": 50}]),
    "PrecisionAtRecall": ("bits", [{"recall": 0.4}]), "RecallAtPrecision": ("bits", [{"precision": 0.6}]),
    "F1Score": ("onehot", [{}, {"average": "micro"}, {"average": "macro"}, {"average": "weighted", "threshold": 0.3}]),
    "FBetaScore": ("bits", [{"beta": 2.0, "threshold": 0.5}]),
    "IoU": ("ids", [{"num_classes": 5, "target_class_ids": [0, 2]}]),
    "MeanIoU": ("ids", [{"num_classes": 5}, {"num_classes": 5, "ignore_class": 1}]),
    "BinaryIoU": ("bits1", [{"threshold": 0.4}]),
    "OneHotIoU": ("onehot", [{"num_classes": 5, "target_class_ids": [1, 3]}]),
    "OneHotMeanIoU": ("onehot", [{"num_classes": 5}]),
    "PearsonCorrelation": ("real", [{}]), "ConcordanceCorrelation": ("real", [{}]),
}


def metric_inputs(kind, seed):
    g = rng(seed)
    n = 40
    ids, other = g.integers(0, 5, n), g.integers(0, 5, n)
    real, real2 = g.normal(size=(2, n, 5)).astype("float32")
    unit = g.random((n, 5)).astype("float32")
    bits = g.integers(0, 2, (n, 5)).astype("float32")
    return {"real": (real, real2), "unit": (unit, unit[::-1] + 0.1), "bits": (bits, unit),
            "bits1": (bits[:, 0], unit[:, 0]), "onehot": (onehot(ids, 5), softmax(real)),
            "probs": (softmax(real2), softmax(real)), "sparse": (ids, softmax(real)), "ids": (ids, other)}[kind]


UNWEIGHTED = ("IoU", "MeanIoU", "BinaryIoU", "OneHotIoU", "OneHotMeanIoU")


def metric_case(name, kind, settings, weighted):
    def run(K):
        metric = getattr(K.metrics, name)(**settings)
        for seed in (11, 12):
            weight = rng(seed + 50).random(40).astype("float32") if weighted else None
            metric.update_state(*metric_inputs(kind, seed), sample_weight=weight)
        return numbers(K, metric.result())
    return run


def metric_cases():
    found = {}
    for name, (kind, variants) in METRICS.items():
        for i, settings in enumerate(variants):
            for weighted in (False,) if name in UNWEIGHTED else (False, True):
                found[f"{name}-{i}-{'weighted' if weighted else 'plain'}"] = metric_case(name, kind, settings, weighted)
    return found


# -- optimizers: six steps on a matrix, a vector and a scalar-like weight

OPTIMIZERS = {
    "SGD": [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}],
    "RMSprop": [{}, {"momentum": 0.5}, {"centered": True}],
    "Adam": [{}, {"amsgrad": True}, {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3}],
    "AdamW": [{}], "Adamax": [{}], "Nadam": [{}], "Adagrad": [{}], "Adadelta": [{"learning_rate": 1.0}],
    "Ftrl": [{}, {"l1_regularization_strength": 0.05, "l2_regularization_strength": 0.02,
                  "l2_shrinkage_regularization_strength": 0.03, "beta": 0.1, "learning_rate_power": -0.6}],
    "Lion": [{}], "Lamb": [{}], "Adafactor": [{}], "Muon": [{"learning_rate": 0.02}],
    "ScheduleFreeAdamW": [{}, {"warmup_steps": 3}],
}
OPTIONS = [{"clipnorm": 0.5}, {"clipvalue": 0.2}, {"global_clipnorm": 0.7}, {"weight_decay": 0.1}, {"use_ema": True},
           {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 2}, {"gradient_accumulation_steps": 2},
           {"gradient_accumulation_steps": 3, "clipnorm": 0.3, "weight_decay": 0.1}, {"loss_scale_factor": 4.0}]


def optimizer_case(name, settings):
    def run(K):
        settings_now = dict(settings)
        if "schedule" in settings_now:
            settings_now["learning_rate"] = SCHEDULES[settings_now.pop("schedule")](K)
        optimizer = getattr(K.optimizers, name)(**settings_now)
        g = rng(21)
        starts = [g.normal(size=s).astype("float32") for s in ((3, 4), (4,), (4, 2))]
        variables = [K.Variable(s, name=f"w{i}") for i, s in enumerate(starts)]
        optimizer.build(variables)
        if hasattr(optimizer, "flatten"):
            optimizer.flatten()
        for step in range(6):
            g = rng(30 + step)
            grads = [g.normal(size=s.shape).astype("float32") for s in starts]
            optimizer.apply([K.ops.convert_to_tensor(x) for x in grads], variables)
        if settings.get("use_ema") and "ema_overwrite_frequency" not in settings:
            optimizer.finalize_variable_values(variables)
        return np.concatenate([np.ravel(numbers(K, v)) for v in variables])
    return run


SCHEDULES = {
    "exponential": lambda K: K.optimizers.schedules.ExponentialDecay(0.1, 3, 0.5),
    "staircase": lambda K: K.optimizers.schedules.ExponentialDecay(0.1, 3, 0.5, staircase=True),
    "piecewise": lambda K: K.optimizers.schedules.PiecewiseConstantDecay([2, 5], [0.5, 0.2, 0.1]),
    "polynomial": lambda K: K.optimizers.schedules.PolynomialDecay(0.1, 10, 0.01, power=2.0),
    "polynomial_cycle": lambda K: K.optimizers.schedules.PolynomialDecay(0.1, 4, 0.01, cycle=True),
    "inverse": lambda K: K.optimizers.schedules.InverseTimeDecay(0.1, 3, 0.5),
    "inverse_staircase": lambda K: K.optimizers.schedules.InverseTimeDecay(0.1, 3, 0.5, staircase=True),
    "cosine": lambda K: K.optimizers.schedules.CosineDecay(0.1, 10, alpha=0.1),
    "cosine_warmup": lambda K: K.optimizers.schedules.CosineDecay(0.0, 10, warmup_target=0.1, warmup_steps=4),
    "restarts": lambda K: K.optimizers.schedules.CosineDecayRestarts(0.1, 4, alpha=0.05),
    "restarts_equal": lambda K: K.optimizers.schedules.CosineDecayRestarts(0.1, 4, t_mul=1.0, m_mul=0.8),
}


def optimizer_cases():
    found = {}
    for name, variants in OPTIMIZERS.items():
        for i, settings in enumerate(variants):
            found[f"{name}-{i}"] = optimizer_case(name, settings)
    for base, options in itertools.product(("Adam", "SGD", "Lamb"), OPTIONS):
        key = "-".join(f"{k}={v}" for k, v in options.items())
        found[f"{base}-{key}"] = optimizer_case(base, options)
    for schedule in SCHEDULES:
        found[f"SGD-schedule={schedule}"] = optimizer_case("SGD", {"schedule": schedule})
    return found


def schedule_case(name):
    return lambda K: np.array([float(numbers(K, SCHEDULES[name](K)(step))) for step in range(14)])


# -- whole trainings: the history of some epochs, then evaluate and predict


def mlp(K, units=3, activation="softmax", names=False):
    x = K.Input((6,), name="features")
    h = K.layers.Dense(8, activation="tanh", name="hidden", kernel_regularizer="l2")(x)
    return x, K.layers.Dense(units, activation=activation, name="out")(h)


def set_weights(model, seed=40):
    g = rng(seed)
    model.set_weights([g.normal(size=w.shape).astype("float32") * 0.3 for w in model.get_weights()])


def data(n=50):
    g = rng(41)
    x = g.normal(size=(n, 6)).astype("float32")
    return x, (x @ g.normal(size=(6, 3))).argmax(-1), g.random(n).astype("float32")


def trained(K, model, x, y, **kwargs):
    set_weights(model)
    history = model.fit(x, y, batch_size=16, epochs=3, verbose=0, shuffle=False, **kwargs).history
    weights = np.concatenate([np.ravel(w) for w in model.get_weights()])
    scores = model.evaluate(x, y, batch_size=16, verbose=0, return_dict=True)
    numbers = [*(history[k] for k in sorted(history)), [scores[k] for k in sorted(scores)], weights]
    return np.concatenate([np.ravel(n) for n in numbers]).astype("float64")


def fit_single(loss, labels, metrics, units=3, activation="softmax", fit=None, **compiled):
    def run(K):
        model = K.Model(*mlp(K, units, activation))
        model.compile(optimizer=K.optimizers.Adam(0.01), loss=loss, metrics=metrics, **compiled)
        x, ids, weight = data()
        y = {"onehot": onehot(ids, 3), "ids": ids, "column": ids[:, None], "bits": (ids > 0).astype("float32")[:, None],
             "real": x[:, :units]}[labels]
        kwargs = dict(fit or {})
        if kwargs.pop("weights", False):
            kwargs["sample_weight"] = weight
        return trained(K, model, x, y, **kwargs)
    return run


def fit_two(loss, loss_weights, metrics, targets="list"):
    def run(K):
        x, out = mlp(K)
        other = K.layers.Dense(1, name="size")(x)
        model = K.Model(x, [out, other])
        model.compile(optimizer=K.optimizers.SGD(0.05), loss=loss, loss_weights=loss_weights, metrics=metrics)
        x, ids, _ = data()
        y = [onehot(ids, 3), x.sum(-1, keepdims=True)]
        return trained(K, model, x, {"out": y[0], "size": y[1]} if targets == "dict" else y)
    return run


FITS = {
    "categorical": fit_single("categorical_crossentropy", "onehot", ["accuracy", "mse"]),
    "sparse": fit_single("sparse_categorical_crossentropy", "ids", ["acc"]),
    "sparse_column": fit_single("sparse_categorical_crossentropy", "column", ["accuracy"]),
    "binary": fit_single("binary_crossentropy", "bits", ["accuracy", "AUC"], 1, "sigmoid"),
    "regression": fit_single("mse", "real", ["mae"], 2, None),
    "weights": fit_single("mse", "real", ["mae"], 2, None, fit={"weights": True}, weighted_metrics=["mae", "mse"]),
    "class_weight": fit_single("sparse_categorical_crossentropy", "ids", ["accuracy"],
                               fit={"class_weight": {0: 1.0, 1: 3.0, 2: 0.5}}, weighted_metrics=["accuracy"]),
    "validation_split": fit_single("mse", "real", ["mae"], 2, None, fit={"validation_split": 0.3}),
    "two_list": fit_two(["categorical_crossentropy", "mse"], [1.0, 0.2], [["accuracy"], ["mae", "mse"]]),
    "two_dict": fit_two({"out": "categorical_crossentropy", "size": "mae"}, {"out": 0.5, "size": 2.0},
                        {"out": ["accuracy"]}, "dict"),
    "two_one_loss": fit_two("mse", None, None),
}


def all_cases():
    return {**{f"loss/{k}": f for k, f in loss_cases().items()},
            **{f"metric/{k}": f for k, f in metric_cases().items()},
            **{f"optimizer/{k}": f for k, f in optimizer_cases().items()},
            **{f"schedule/{k}": schedule_case(k) for k in SCHEDULES},
            **{f"fit/{k}": f for k, f in FITS.items()}}
