"""Sessions, graphs and other words of TensorFlow 1 in programs of Keras 1 and 2: they do nothing and say so."""
import warnings

import numpy as np
import pytest

import kgraph
import kgraph.tensorflow as tf
from kgraph import Input, Model, layers
from kgraph import backend as K

v1 = tf.compat.v1
X = np.arange(6, dtype="float32").reshape(2, 3)

WORDS = {
    "Session": lambda: tf.Session(config=None), "InteractiveSession": lambda: v1.InteractiveSession(),
    "ConfigProto": lambda: tf.ConfigProto(allow_soft_placement=True), "get_session": K.get_session,
    "set_session": lambda: tf.keras.backend.set_session(None), "get_default_graph": v1.get_default_graph,
    "reset_default_graph": lambda: tf.reset_default_graph(), "get_default_session": v1.get_default_session,
    "global_variables_initializer": lambda: tf.global_variables_initializer(),
    "disable_eager_execution": v1.disable_eager_execution, r"Graph.as_default\(\)": lambda: v1.Graph().as_default(),
    **{f"_make_{kind}_function": lambda kind=kind: getattr(Model(), f"_make_{kind}_function")()
       for kind in ("predict", "train", "test")}}


@pytest.mark.parametrize("word", WORDS)
def test_a_word_says_that_it_does_nothing(word):
    with pytest.warns(FutureWarning, match=f"{word if 'make' not in word else '_make_.*'}.* ha(s|ve) no effect.*leave"):
        WORDS[word]()


def test_each_place_says_so_once():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            K.set_session(None)
    assert len(caught) == 1


def test_a_name_of_tensorflow_1_says_what_it_is_today():
    with pytest.warns(FutureWarning, match="tf.log of TensorFlow 1 is now tf.compat.v1.log"):
        assert tf.log is tf.math.log
    assert "log" not in tf.public_names() and {"Session", "log"} <= {*v1.__all__}
    for name in v1.__all__:
        assert getattr(v1, name) is not None
    with pytest.raises(AttributeError, match="kgraph.tensorflow has no public name 'placeholder'"):
        tf.placeholder  # noqa: B018


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_options_take_any_setting():
    config = tf.ConfigProto(gpu_options=tf.GPUOptions(per_process_gpu_memory_fraction=0.3), device_count={"GPU": 1})
    config.gpu_options.allow_growth = True
    config.graph_options.optimizer_options.global_jit_level = tf.OptimizerOptions.ON_1
    assert config.gpu_options.per_process_gpu_memory_fraction == 0.3 and config.device_count == {"GPU": 1}
    v1.ConfigProto().device_count["GPU"] = 0
    K.set_session(tf.Session(config=config))


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_session_gives_values():
    x = Input((3,))
    h = layers.Dense(2, kernel_initializer="ones")(x)
    model = Model(x, layers.Dropout(0.5)(h))
    graph = tf.get_default_graph()
    with graph.as_default() as entered, tf.Session(graph=graph) as session, session.as_default():
        assert entered is graph is session.graph is tf.get_default_graph() and session.run(v1.no_op()) is None
        assert session.run(tf.global_variables_initializer()) is None
        v = kgraph.Variable([1.0, 2.0])
        found = session.run({"v": v, "two": [tf.constant(3.0), model.output]}, {x: X, K.learning_phase(): 0})
        assert found["v"].tolist() == [1, 2] and float(found["two"][0]) == 3
        np.testing.assert_array_equal(found["two"][1], X.sum(1, keepdims=True).repeat(2, 1))
        assert type(K.get_session().run(h, feed_dict={x: X})) is np.ndarray
        with pytest.raises(RuntimeError, match="Session.run: expected a feed_dict with the Inputs of .*received"):
            session.run(h)
        model.predict(X, verbose=0)
    session.close()
