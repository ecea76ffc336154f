"""kgraph.function: traces are kept by shapes and by other arguments; compiled functions and gradients go together."""
import numpy as np
import pytest

import kgraph
from kgraph import ops


def rosenbrock(a, b):
    return (1 - a) ** 2 + 100 * (b - a * a) ** 2


def gradient_of(f):
    def gradient(a, b):
        with kgraph.GradientTape() as tape:
            tape.watch([a, b])
            value = f(a, b)
        return tape.gradient(value, [a, b])
    return gradient


COMBINED = {
    "compiled inside": kgraph.value_and_grad(kgraph.function(rosenbrock), argnums=(0, 1)),
    "compiled outside": kgraph.function(kgraph.value_and_grad(rosenbrock, argnums=(0, 1))),
    "both": kgraph.function(kgraph.value_and_grad(kgraph.function(rosenbrock), argnums=(0, 1))),
    "eager": kgraph.value_and_grad(rosenbrock, argnums=(0, 1)),
}


@pytest.mark.parametrize("how", COMBINED)
def test_value_and_gradient(how):
    value, gradients = COMBINED[how](np.float32(2), np.float32(3))
    assert (float(value), *map(float, gradients)) == (101, 802, -200)


def test_tape_in_a_compiled_function_and_around_one():
    a, b = ops.convert_to_tensor(np.float32(2)), ops.convert_to_tensor(np.float32(3))
    for f in (gradient_of(kgraph.function(rosenbrock)), kgraph.function(gradient_of(rosenbrock))):
        assert [float(g) for g in f(a, b)] == [802, -200]


def test_one_trace_for_each_shape_dtype_and_plain_argument():
    calls = []

    @kgraph.function
    def scaled(x, by, names):
        calls.append(by)
        return dict.fromkeys(names, x * by)
    for x in (np.ones(3, "float32"), np.zeros(3, "float32"), np.ones((2, 3), "float32"), np.ones(3)):
        for by in (2, 3):
            found = scaled(x, by, ("one", "other"))
            assert list(found) == ["one", "other"]
            np.testing.assert_array_equal(found["other"], x * by)
    assert calls == [2, 3] * 3 and len(scaled.traced) == 6


def test_variables_are_states():
    total = kgraph.Variable(np.zeros(2, "float32"), name="total")

    @kgraph.function
    def add(x):
        total.assign_add(x)
        return total * 2
    np.testing.assert_array_equal(add(np.float32([1, 2])), [2, 4])
    np.testing.assert_array_equal(add(np.float32([1, 2])), [4, 8])
    np.testing.assert_array_equal(total.numpy(), [2, 4])


def test_on_symbolic_tensors_it_is_part_of_the_model():
    double = kgraph.function(lambda x: x * 2)
    inputs = kgraph.Input((3,))
    model = kgraph.Model(inputs, double(inputs))
    np.testing.assert_array_equal(model.predict(np.ones((2, 3), "float32"), verbose=0), np.full((2, 3), 2))


def test_branches_assign_variables_as_if_one_of_them_ran():
    total, other = (kgraph.Variable(np.float32(0), name=n) for n in ("total", "other"))

    def up():
        total.assign_add(1.0)
        other.assign(total * 10)
        return total * 1

    def down():
        total.assign_sub(1.0)
        return total * 100

    def choose(x):
        return ops.cond(x > 0, up, down)
    for f in (choose, kgraph.function(choose)):
        total.assign(0.0), other.assign(0.0)
        steps = [(float(f(np.float32(x))), float(total), float(other)) for x in (1, 1, -1, 0)]
        assert steps == [(1, 1, 10), (2, 2, 20), (100, 1, 20), (0, 0, 20)]

    def loop(signs):
        return ops.scan(lambda carry, x: (carry, choose(x)), (), signs)[1]
    for f in (loop, kgraph.function(loop)):
        total.assign(0.0)
        assert np.asarray(f(np.float32([1, 1, -1]))).tolist() == [1, 2, 100] and float(total) == 1


def half_outside(a, b):
    """What is computed after the `with` is not on the tape."""
    with kgraph.GradientTape(persistent=True) as tape:
        inside = a * a * b
        half_way = tape.gradient(inside, [a])  # asked for inside, it is recorded too
    outside = inside * inside + half_way[0]
    asked = [tape.gradient(inside, [a, b]), tape.gradient(outside, [a, b]),
             tape.gradient(half_way[0], [a, b], unconnected_gradients="zero")]
    return [ops.convert_to_tensor(-1.0) if g is None else g for grads in asked for g in grads]


@pytest.mark.parametrize("f", [half_outside, kgraph.function(half_outside)], ids=["eager", "compiled"])
def test_tape_stops_recording_at_the_end_of_its_with(f):
    a, b = (ops.convert_to_tensor(np.float32(v)) for v in (2, 3))
    assert [float(g) for g in f(a, b)] == [12, 4, -1, -1, 6, 4]


def test_tape_of_a_variable_stops_too():
    v = kgraph.Variable(np.float32(3), name="v")

    def f(x):
        with kgraph.GradientTape() as tape:
            y = v * x
        return ops.convert_to_tensor(-1.0) if (g := tape.gradient(y * v, v)) is None else g
    assert float(f(np.float32(2))) == float(kgraph.function(f)(np.float32(2))) == -1


def test_results_that_are_no_tensors():
    """None stays, numbers become tensors; a function may return nothing at all and only change variables."""
    total = kgraph.Variable(np.zeros(2, "float32"))

    @kgraph.function
    def add(x):
        total.assign_add(x)

    one = np.ones(2, "float32")
    assert add(one) is None and add(one) is None
    np.testing.assert_array_equal(total.numpy(), [2, 2])
    assert kgraph.function(lambda: None)() is None
    x, nothing, nested = kgraph.function(lambda x: (x, None, {"a": None, "b": [x * 2, 3, 2.5, []]}))(one)
    np.testing.assert_array_equal(x, one)
    assert nothing is None and nested["a"] is None and nested["b"][3] == []
    np.testing.assert_array_equal(nested["b"][0], [2, 2])
    assert [(y.dtype, float(y)) for y in nested["b"][1:3]] == [("int32", 3), ("float32", 2.5)]
    with pytest.raises(TypeError, match="expected tensors, numbers or None as results, received 'text'"):
        kgraph.function(lambda x: "text")(one)


@pytest.mark.parametrize("wrap", [lambda f: f, kgraph.function], ids=["eager", "compiled"])
@pytest.mark.parametrize("body, w_gradient, u_gradient", [
    (lambda w, u, x: w.assign_add(x) * 0, [2, 3], None),
    (lambda w, u, x: (w.assign(w * 0.5), w * w * x)[1], [4, 6], None),
    (lambda w, u, x: (w.assign(u * u), w * x)[1], [4, 6], None),
    (lambda w, u, x: (w.assign_add(x), w.assign_add(x), w * w)[2], [12, 17], None),
    (lambda w, u, x: (ops.cond(x[0] > 0, lambda: w.assign(u), lambda: w.assign(-u)), w * x)[1], [4, 6], None),
    (lambda w, u, x: w * u, [7, 8], [1, 1]),
])
def test_gradients_of_a_variable_that_is_assigned(body, w_gradient, u_gradient, wrap):
    """As in TensorFlow: the sum over all values that it had, and none goes through the assignment."""
    def f(x):
        with kgraph.GradientTape() as tape:
            loss = ops.sum(w * x)
            loss = loss + ops.sum(body(w, u, x))
        return tape.gradient(loss, [w, u])

    w, u = kgraph.Variable(np.ones(2, "float32")), kgraph.Variable(np.full(2, 5.0, "float32"))
    for got, expected in zip(wrap(f)(ops.convert_to_tensor(np.float32([2, 3]))), (w_gradient, u_gradient)):
        assert got is expected is None or np.array_equal(got, expected), (got, expected)


def assigned(v, u):
    """Reads before and after an assignment add up; what was assigned is not looked behind. TensorFlow's numbers."""
    with kgraph.GradientTape(persistent=True) as tape:
        y = v * v * u
        v.assign(v - 1)
        z = v * y
    first = tape.gradient(y, [v, u])
    v.assign(v * 0 + 10)
    return [*first, *tape.gradient(z, [v, u])]


def paused(v, u):
    with kgraph.GradientTape(persistent=True) as tape:
        y = v * u
        with tape.stop_recording():
            z = y * v
        w = y * y
    with tape:
        more = w * v
    grads = [tape.gradient(t, v) for t in (y, z, w, more)]
    return [ops.convert_to_tensor(-1.0) if g is None else g for g in grads]


@pytest.mark.parametrize("f, expected", [(assigned, [12, 9, 42, 18]), (paused, [2, -1, 24, 108])])
@pytest.mark.parametrize("compiled", [False, True])
def test_tape_and_variables(f, expected, compiled):
    v, u = kgraph.Variable(np.float32(3), name="v"), kgraph.Variable(np.float32(2), name="u")
    run = kgraph.function(lambda x: [g * x for g in f(v, u)]) if compiled else lambda x: f(v, u)
    assert [float(g) for g in run(np.float32(1))] == expected
