"""State as arguments and results (Keras 3), and the older ways to call an optimizer. Numbers are those of tf.keras 2
and of NumPy."""
import numpy as np
import pytest

import kgraph
from kgraph import (
    GradientTape,
    Input,
    Model,
    StatelessScope,
    Variable,
    backend,
    layers,
    metrics,
    ops,
    optimizers,
)

X = np.arange(24, dtype="float32").reshape(8, 3) / 24
Y = np.ones((8, 2), "float32")


def model():
    x = Input((3,))
    m = Model(x, layers.Dense(2, kernel_initializer="ones", name="dense")(x))
    m.compile(optimizers.SGD(0.1, momentum=0.9), "mse")
    return m


def state(m):
    return [v.numpy().copy() for v in (*m.variables, *m.optimizer.variables, *m.metrics_variables)]


@pytest.mark.parametrize("compiled", [False, True])
def test_a_step_as_a_function_of_the_state(compiled):
    m, other = model(), model()
    m.optimizer.build(m.trainable_variables)
    before = state(m)

    def step(weights, slots, x, y):
        with GradientTape() as tape:
            y_pred, others = m.stateless_call(weights, [], x)
            loss, after = m.stateless_compute_loss(weights, others, metric_values, x, y, y_pred)
        gradients = tape.gradient(loss, weights)
        weights, slots = m.optimizer.stateless_apply(slots, gradients, weights)
        return loss, weights, slots
    metric_values = [v.numpy() for v in m.metrics_variables]
    step = kgraph.function(step) if compiled else step
    weights = [ops.convert_to_tensor(v.numpy()) for v in m.trainable_variables]
    slots = [ops.convert_to_tensor(v.numpy()) for v in m.optimizer.variables]
    for _ in range(3):
        loss, weights, slots = step(weights, slots, X, Y)
        wanted = other.train_on_batch(X, Y)
        assert float(loss) == pytest.approx(wanted, rel=1e-5)
    for value, v in zip([*weights, *slots], [*other.trainable_variables, *other.optimizer.variables]):
        np.testing.assert_allclose(value, v, rtol=1e-5)
    for a, b in zip(before, state(m)):
        np.testing.assert_array_equal(a, b)


def test_state_that_calls_change():
    layer = layers.BatchNormalization(momentum=0.5)
    layer.build((None, 3))
    others = [v.numpy() for v in layer.non_trainable_variables]
    _, after, losses = layer.stateless_call([np.ones(3), np.zeros(3)], others, X, training=True, return_losses=True)
    np.testing.assert_allclose(after[0], X.mean(0) / 2, rtol=1e-6)
    np.testing.assert_array_equal(layer.moving_mean, np.zeros(3))
    assert losses == []
    drop = layers.Dropout(0.5, seed=1)
    drop.build((None, 3))
    before = [v.numpy() for v in drop.non_trainable_variables]
    y, after = drop.stateless_call([], before, X, training=True)
    np.testing.assert_array_equal(y, drop.stateless_call([], before, X, training=True)[0])
    assert not np.array_equal(after[0], before[0])
    dense = layers.Dense(1, kernel_initializer="ones", kernel_regularizer="l2")
    dense.build((None, 3))
    y, _, losses = dense.stateless_call([np.full((3, 1), 2.0), np.ones(1)], [], np.ones((2, 3)), return_losses=True)
    assert y.tolist() == [[7.0], [7.0]] and float(losses[0]) == pytest.approx(0.12)


def test_refusals_leave_everything():
    dense = layers.Dense(1, kernel_initializer="ones")
    with pytest.raises(ValueError, match="layer 'd.*: expected a layer that is built, for stateless_call"):
        dense.stateless_call([], [], X)
    dense.build((None, 3))
    with pytest.raises(ValueError, match="trainable_variables: expected 2 values, .* received 1"):
        dense.stateless_call([np.ones((3, 1))], [], X)
    with pytest.raises(ValueError, match=r"expected a value of shape \(1,\), received \(2,\)"):
        dense.stateless_call([np.zeros((3, 1)), np.ones(2)], [], X)
    with pytest.raises(ValueError, match="expected pairs"):
        StatelessScope([(1, 2)])
    with pytest.raises(ValueError, match="sgd.*: expected an optimizer that is built"):
        optimizers.SGD().stateless_apply([], [], [])
    np.testing.assert_array_equal(dense.kernel, np.ones((3, 1)))
    v = Variable([1.0, 2.0])
    with pytest.raises(RuntimeError), StatelessScope():
        v.assign([5.0, 5.0])
        raise RuntimeError
    assert v.numpy().tolist() == [1.0, 2.0]


def test_scope():
    v, w = Variable([1.0, 2.0]), Variable(3.0)
    with StatelessScope([(v, np.zeros(2))]) as scope:
        assert (v + 1).tolist() == [1.0, 1.0] and scope.get_current_value(w) is None
        v.assign([5.0, 5.0])
        with StatelessScope([(w, 7.0)]) as inner:
            v.assign_add([1.0, 1.0])
        assert inner.get_current_value(v).tolist() == [6.0, 6.0] and v.numpy().tolist() == [5.0, 5.0]
    assert scope.get_current_value(v).tolist() == [5.0, 5.0]
    assert v.numpy().tolist() == [1.0, 2.0] and float(w) == 3.0


def test_metrics():
    m = metrics.Mean()
    m.update_state([4.0])
    values = m.stateless_update_state(m.stateless_reset_state(), np.array([1.0, 3.0]))
    assert [float(x) for x in values] == [4.0, 2.0]
    assert float(m.stateless_result(values)) == 2.0 and float(m.result()) == 4.0 and m.stateful
    m.update_state(np.float32(1e-8))   # what rounding lost is put back too
    lost = m.total.lost.numpy()
    m.stateless_result(values)
    assert m.total.lost.numpy() == lost
    auc = metrics.AUC(num_thresholds=5)
    values = auc.stateless_update_state(auc.stateless_reset_state(), [0, 1, 1], [0.2, 0.6, 0.4])
    assert float(auc.stateless_result(values)) == 1.0 and float(auc.result()) == 0.0


def test_state_tree():
    m = model()
    m.fit(X, Y, verbose=0)
    tree = m.get_state_tree("numpy_array")
    assert {k: sorted(v) for k, v in tree.items()} == {
        "trainable_variables": ["dense"], "non_trainable_variables": [], "optimizer_variables": [m.optimizer.name],
        "metrics_variables": ["loss"]}
    other = model()
    other.optimizer.build(other.trainable_variables)
    tree["optimizer_variables"] = {other.optimizer.name: tree["optimizer_variables"][m.optimizer.name]}
    other.set_state_tree(tree)
    assert other.train_on_batch(X, Y) == m.train_on_batch(X, Y)
    before = state(m)
    with pytest.raises(ValueError, match=r"no variable 'dense/kernl' among .* Did you mean 'dense/kernel'\?"):
        m.set_state_tree({"trainable_variables": {"dense": {"bias": np.ones(2), "kernl": 1.0}}})
    with pytest.raises(ValueError, match=r"expected a value of shape \(3, 2\), received \(2,\)"):
        m.set_state_tree({"trainable_variables": {"dense": {"bias": np.ones(2), "kernel": np.ones(2)}}})
    with pytest.raises(ValueError, match=r"received 'trainable'"):
        m.set_state_tree({"trainable": {}})
    with pytest.raises(ValueError, match="value_format: expected 'backend_tensor' or 'numpy_array', received 'x'"):
        m.get_state_tree("x")
    for a, b in zip(before, state(m)):
        np.testing.assert_array_equal(a, b)


# ------------------------------------------------------------------ older ways to call an optimizer
def test_minimize():
    v = Variable([1.0, 2.0])
    optimizer = optimizers.SGD(0.1)
    assert int(optimizer.minimize(lambda: ops.sum(v * v), [v])) == 1
    np.testing.assert_allclose(v, [0.8, 1.6], rtol=1e-6)
    with GradientTape() as tape:
        loss = ops.sum(v * v)
    optimizer.minimize(loss, lambda: [v], tape=tape)
    np.testing.assert_allclose(v, [0.64, 1.28], rtol=1e-6)
    (g, same), = optimizer.compute_gradients(lambda: v * v, v, grad_loss=np.array([1.0, 0.0], "float32"))
    assert same is v and g.tolist() == pytest.approx([1.28, 0.0])
    with pytest.raises(ValueError, match="received a tensor and tape=None"):
        optimizer.minimize(loss, [v])


@pytest.mark.parametrize("make,losses,bias", [
    (lambda: optimizers.Adam(0.1), [0.9296875, 0.6355485, 0.4769789], -0.25682473),
    (lambda: optimizers.SGD(0.1, momentum=0.9), [0.9296875, 0.78016424, 0.58390963], -0.19493206)])
@pytest.mark.parametrize("keras1", [False, True])
def test_get_updates(make, losses, bias, keras1):
    x, target = Input((3,)), backend.placeholder((None, 2))
    m = Model(x, layers.Dense(2, kernel_initializer="ones")(x))
    loss = backend.mean(backend.square(m.output - target))
    args = (m.trainable_weights, [], loss) if keras1 else (loss, m.trainable_weights)
    train = backend.function([m.input, target], [loss], updates=make().get_updates(*args))
    assert [float(train([X, Y])[0]) for _ in range(3)] == pytest.approx(losses, rel=1e-5)
    np.testing.assert_allclose(m.get_weights()[1], [bias, bias], rtol=1e-4)


def test_get_gradients():
    x = Input((3,))
    m = Model(x, layers.Dense(1, kernel_initializer="ones")(x))
    loss = backend.sum(m.output)
    found = backend.function([x], optimizers.SGD().get_gradients(loss, m.trainable_weights))([X])
    np.testing.assert_allclose(found[0][:, 0], X.sum(0), rtol=1e-6)
    found = backend.function([x], optimizers.SGD(clipnorm=1.0).get_gradients(loss, m.trainable_weights))([X])
    np.testing.assert_allclose(found[0][:, 0], X.sum(0) / np.linalg.norm(X.sum(0)), rtol=1e-6)
    with pytest.raises(ValueError, match="expected a KTensor, received float"):
        optimizers.SGD().get_updates(1.0, m.trainable_weights)
    with pytest.raises(TypeError, match="get_updates: expected loss and params, received"):
        optimizers.SGD().get_updates(loss)


# ------------------------------------------------------------------ what programs read of Keras's own attributes
def test_inner_names():
    x = Input((3,), name="x")
    a, b = layers.Dense(2), layers.Dense(1)
    y = b(a(x))
    m = Model(x, y)
    operation, node, tensor = y._keras_history
    assert (operation, node, tensor) == (b, 0, 0) and y._keras_history.layer is b and x._keras_history[0] is m.layers[0]
    assert [n.operation for n in a._inbound_nodes] == [a] and b._inbound_nodes[0].inbound_layers is a
    assert b._inbound_nodes[0].input_tensors == [a.output] and a._inbound_nodes[0].output_tensors == [a.output]
    assert m._layers == m.layers and a._trainable_weights == [a.kernel, a.bias] and a._non_trainable_weights == []
    a._inbound_nodes = []
    with pytest.raises(AttributeError, match="never been called"):
        _ = a.output

    class Holder(layers.Layer):
        def __init__(self):
            super().__init__()
            self._layers = [layers.Dense(2)]      # a name of the user's own

        def call(self, x):
            return self._layers[0](x)
    holder = Holder()
    assert holder(X).shape == (8, 2) and len(holder.weights) == 2
