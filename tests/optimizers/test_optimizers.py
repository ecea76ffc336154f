"""What is around the update rules: names, flat updates, arguments, state. Their numbers are in tests/training."""
import numpy as np
import pytest

from kgraph import optimizers
from kgraph.optimizers import schedules
from kgraph.optimizers.flat import Run, flatten_together, runs
from kgraph.variable import Variable

RULES = [c for n, c in optimizers.OBJECTS.items()
         if n not in ("Optimizer", "OptimizerMap", "MultiOptimizer", "LossScaleOptimizer")]
SHAPES = ((3, 4), (4,), (4, 2), ())


def variables(seed=0, constraint=None):
    g = np.random.default_rng(seed)
    found = [Variable(g.normal(size=s).astype("float32"), name=f"w{i}", path=f"layer/w{i}")
             for i, s in enumerate(SHAPES)]
    found[1].constraint = constraint
    return found


def gradients(step):
    g = np.random.default_rng(100 + step)
    return [g.normal(size=s).astype("float32") for s in SHAPES]


def run(optimizer, flat, steps=4, own=None):
    own = own or variables()
    optimizer.build(own)
    if flat:
        optimizer.flatten()
    for step in range(steps):
        optimizer.apply(gradients(step), own)
    return [v.numpy() for v in own]


OPTIONS = [{}, {"clipnorm": 0.5}, {"global_clipnorm": 0.5}, {"clipvalue": 0.3}, {"weight_decay": 0.1},
           {"use_ema": True}, {"use_ema": True, "ema_overwrite_frequency": 2}, {"gradient_accumulation_steps": 2},
           {"gradient_accumulation_steps": 2, "clipnorm": 0.5}, {"decay": 0.1}]


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("rule", [r for r in RULES if r.elementwise], ids=lambda r: r.__name__)
def test_flat_updates_are_the_same(rule, options):
    for a, b in zip(run(rule(**options), True), run(rule(**options), False)):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)


def test_flat_updates_with_exclusions_and_constraints():
    found = []
    for flat in (True, False):
        own = variables(constraint=lambda w: np.asarray(w).clip(-0.1, 0.1))
        optimizer = optimizers.AdamW(weight_decay=0.5)
        optimizer.exclude_from_weight_decay(var_list=[own[0]], var_names=["w3"])
        found.append(run(optimizer, flat, own=own))
        assert np.abs(found[-1][1]).max() <= 0.1 + 1e-6
        assert (own[0].home is not None) == flat and own[1].home is None
    for a, b in zip(*found):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_runs():
    own = variables()
    assert [len(group) for group in runs(own)] == [1, 1, 1, 1]
    flatten_together(own, "home")
    assert [len(group) for group in runs(own)] == [4] and Run(own).whole
    part = Run(own[1:3])
    assert part.shape == (12,) and not part.whole
    part.assign(np.zeros(12, "float32"))
    assert not own[1].numpy().any() and own[0].numpy().any() and own[3].numpy().any()
    assert [len(group) for group in runs([own[0], own[2], own[3]])] == [1, 2]


def test_names_and_order_of_the_state():
    optimizer = optimizers.Adam(name="adam", amsgrad=True, use_ema=True)
    optimizer.build(variables()[:2])
    assert [v.path for v in optimizer.variables] == [
        "adam/iteration", "adam/learning_rate", "adam/layer_w0_average", "adam/layer_w1_average",
        "adam/layer_w0_momentum", "adam/layer_w0_velocity", "adam/layer_w1_momentum", "adam/layer_w1_velocity",
        "adam/layer_w0_velocity_hat", "adam/layer_w1_velocity_hat"]


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.__name__)
def test_config_round_trip(rule):
    optimizer = rule(learning_rate=0.03, clipnorm=0.7)
    again = rule.from_config(optimizer.get_config())
    assert again.get_config() == optimizer.get_config()
    assert float(np.asarray(again.learning_rate)) == pytest.approx(0.03)
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert type(again) is rule and again.clipnorm == 0.7


def test_state_can_be_moved():
    first, own = optimizers.Adam(), variables()
    run(first, True, 3, own)
    second, other = optimizers.Adam(), [Variable(v.numpy(), name=v.name, path=v.path) for v in own]
    with pytest.raises(ValueError, match="not built"):
        second.set_weights(first.get_weights())
    second.build(other)
    second.set_weights(first.get_weights())
    store = {}
    first.save_own_variables(store)
    second.load_own_variables(store)
    for optimizer, group in ((first, own), (second, other)):
        optimizer.apply(gradients(9), group)
    for a, b in zip(own, other):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-6)
    with pytest.raises(ValueError, match="shapes"):
        second.set_weights(first.get_weights()[:-1])


def test_learning_rate():
    optimizer = optimizers.SGD(0.5)
    optimizer.learning_rate = 0.25
    assert float(np.asarray(optimizer.lr)) == 0.25
    optimizer.learning_rate = schedules.ExponentialDecay(1.0, 1, 0.5)
    own = [Variable(np.zeros(1, "float32"), name="w")]
    for _ in range(3):
        optimizer.apply([np.ones(1, "float32")], own)
    assert own[0].numpy()[0] == pytest.approx(-1.75)
    with pytest.raises(TypeError, match="cannot be set"):
        optimizer.learning_rate = 0.1
    with pytest.warns(FutureWarning, match="learning_rate"):
        assert float(np.asarray(optimizers.SGD(lr=0.2).learning_rate)) == pytest.approx(0.2)


def test_decay_of_keras_2():
    with pytest.warns(FutureWarning, match="decay"):
        optimizer = optimizers.SGD(1.0, decay=1.0)
    own = [Variable(np.zeros(1, "float32"), name="w")]
    for _ in range(3):
        optimizer.apply([np.ones(1, "float32")], own)
    assert own[0].numpy()[0] == pytest.approx(-(1 + 1 / 2 + 1 / 3))


@pytest.mark.parametrize("make, error, text", [
    (lambda: optimizers.Adam(learning_rte=1.0), TypeError, "'learning_rate'"),
    (lambda: optimizers.SGD(momentm=0.9), TypeError, "'momentum'"),
    (lambda: optimizers.SGD(momentum=2), ValueError, "momentum"),
    (lambda: optimizers.SGD(learning_rate="fast"), ValueError, "learning_rate"),
    (lambda: optimizers.Adam(clipnorm=1.0, clipvalue=1.0), ValueError, "at most one"),
    (lambda: optimizers.Adam(gradient_accumulation_steps=1), ValueError, "gradient_accumulation_steps"),
    (lambda: optimizers.Adam(use_ema=True, ema_momentum=2), ValueError, "ema_momentum"),
    (lambda: optimizers.Adam(use_ema=True, ema_overwrite_frequency=0.5), ValueError, "ema_overwrite_frequency"),
    (lambda: optimizers.AdamW(weight_decay=None), ValueError, "weight_decay"),
    (lambda: optimizers.Lion(beta_1=0), ValueError, "beta_1"),
    (lambda: optimizers.Ftrl(learning_rate_power=1), ValueError, "learning_rate_power"),
    (lambda: optimizers.Ftrl(initial_accumulator_value=-1), ValueError, "initial_accumulator_value"),
    (lambda: optimizers.get("rmsporp"), ValueError, "'rmsprop'"),
    (lambda: optimizers.get(3), ValueError, "optimizer"),
    (lambda: schedules.CosineDecay(0.1, 0), ValueError, "decay_steps"),
    (lambda: schedules.PiecewiseConstantDecay([1], [1]), ValueError, "one value more"),
])
def test_errors(make, error, text):
    with pytest.raises(error, match=text):
        make()


def test_gradients_that_are_missing():
    optimizer, own = optimizers.SGD(), variables()
    with pytest.raises(ValueError, match="no variable has a gradient"):
        optimizer.apply([None] * 4, own)
    before = own[1].numpy()
    with pytest.warns(UserWarning, match="layer/w1"):
        optimizer.apply([g if i != 1 else None for i, g in enumerate(gradients(0))], own)
    assert np.array_equal(own[1].numpy(), before)
    with pytest.raises(ValueError, match="does not know"):
        optimizer.apply([np.ones(2)], [Variable(np.ones(2, "float32"), name="new")])


def test_names():
    assert isinstance(optimizers.get("adam"), optimizers.Adam)
    assert isinstance(optimizers.get("RMSprop"), optimizers.RMSprop)
    from kgraph.optimizers import legacy
    assert legacy.Adam is optimizers.Adam


def test_multi_optimizer():
    own = variables()
    mapping = optimizers.OptimizerMap(optimizers.SGD(0.1), {"layer/w[12]": optimizers.SGD(1.0)})
    multi = optimizers.MultiOptimizer(mapping)
    before = [v.numpy() for v in own]
    multi.apply(gradients(0), own)
    for v, b, g, rate in zip(own, before, gradients(0), (0.1, 1.0, 1.0, 0.1)):
        np.testing.assert_allclose(v.numpy(), b - rate * g, rtol=1e-5)
    again = optimizers.OptimizerMap.from_config(mapping.get_config())
    assert float(np.asarray(again["layer/w2"].learning_rate)) == 1.0
    with pytest.raises(AttributeError, match="optimizers"):
        _ = multi.learning_rate
    inner = optimizers.LossScaleOptimizer(optimizers.SGD(0.5))
    inner.apply(gradients(0), own)
    assert float(np.asarray(inner.learning_rate)) == 0.5


class Own(optimizers.Optimizer):
    """An optimizer as users write them for Keras."""

    def build(self, var_list):
        super().build(var_list)
        self.steps = [self.add_variable_from_reference(v, name="steps") for v in var_list]

    def update_step(self, gradient, variable, learning_rate):
        count = self.steps[self._get_variable_index(variable)]
        self.assign_add(count, gradient * 0 + 1.0)
        self.assign_sub(variable, gradient * learning_rate / count)


def test_a_users_own_optimizer():
    optimizer = Own(0.1)
    own = [Variable(np.zeros(2, "float32"), name="w")]
    for _ in range(2):
        optimizer.apply([np.ones(2, "float32")], own)
    np.testing.assert_allclose(own[0].numpy(), [-0.15, -0.15], rtol=1e-6)
