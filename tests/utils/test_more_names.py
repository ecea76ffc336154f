"""FeatureSpace, distillation and drawing give what Keras 3.15.1 gives (tests/oracle/more_names.py)."""
import importlib.util
from pathlib import Path

import numpy as np
import pytest

import kgraph
from kgraph import Input, Model, Sequential, distillation, layers, visualization
from kgraph.utils import FeatureSpace

HERE = Path(__file__).parents[1]
spec = importlib.util.spec_from_file_location("more_names", HERE / "oracle" / "more_names.py")
oracle = importlib.util.module_from_spec(spec)
spec.loader.exec_module(oracle)
CASES = oracle.all_cases()
with np.load(HERE / "data" / "more_names.npz") as found:
    ANSWERS = dict(found)


@pytest.mark.parametrize("case", CASES)
def test_as_keras(case):
    np.testing.assert_allclose(CASES[case](kgraph), ANSWERS[case], rtol=1e-5, atol=1e-5)


def test_a_feature_space_in_a_model_and_in_a_file(tmp_path):
    space = oracle.space(kgraph)
    expected = np.asarray(space(oracle.TABLE))
    model = Model(space.get_inputs(), space.get_encoded_features())
    columns = {name: np.asarray(x).reshape(-1, 1) for name, x in oracle.TABLE.items()}
    np.testing.assert_allclose(model.predict(columns, verbose=0), expected, rtol=1e-6)
    space.save(tmp_path / "space.keras")
    np.testing.assert_array_equal(kgraph.models.load_model(tmp_path / "space.keras")(oracle.TABLE), expected)
    again = FeatureSpace({"z": "float_normalized"})
    again.adapt([{"z": oracle.TABLE["z"][:2]}, {"z": oracle.TABLE["z"][2:]}])
    np.testing.assert_allclose(again({"z": 3.0}), expected[2, 16:17], rtol=1e-5)


def test_a_distiller_compiled_and_eager_and_saved(tmp_path):
    predictions = []
    for eagerly in (True, False):
        teacher, student = oracle.networks(kgraph)
        model = distillation.Distiller(teacher, student, distillation.FeatureDistillation("mse", "hidden", "hidden"))
        model.compile("sgd", loss="mse", metrics=["mae"], run_eagerly=eagerly)
        model.fit(oracle.X, oracle.Y, batch_size=4, epochs=2, verbose=0, shuffle=False)
        predictions.append(model.predict(oracle.X, verbose=0))
    np.testing.assert_allclose(*predictions, rtol=1e-5, atol=1e-6)
    assert not teacher.trainable_weights
    again = distillation.Distiller.from_config(model.get_config())
    again.student.set_weights(student.get_weights())
    np.testing.assert_allclose(again.predict(oracle.X, verbose=0), predictions[1], rtol=1e-6)


def test_boxes_are_drawn():
    image = np.zeros((1, 8, 9, 3), "uint8")
    given = {"boxes": np.float32([[[2, 1, 6, 5], [0, 0, 8, 7]]]), "labels": np.array([[1, -1]])}
    found = visualization.draw_bounding_boxes(image, given, "xyxy", color=(9, 8, 7), line_thickness=1)
    expected = np.zeros((8, 9), bool)
    expected[1:6, 2:7] = True
    expected[2:5, 3:6] = False
    np.testing.assert_array_equal((found[0] == [9, 8, 7]).all(-1), expected)
    assert not image.any()
    pytest.importorskip("PIL")
    written = visualization.draw_bounding_boxes(np.zeros((1, 40, 60, 3)), {"boxes": np.float32([[[5, 36, 50, 38]]]),
                                                "labels": [[1]]}, "xyxy", {1: "ox"}, line_thickness=1)
    assert written[0, :36].any() and not written[0, :, 55:].any()


def test_galleries(tmp_path):
    pytest.importorskip("matplotlib").use("Agg")
    images = np.full((3, 8, 9, 3), 100, "uint8")
    visualization.plot_image_gallery(images, y_true=[0, 1, 0], label_map={0: "a", 1: "b"}, path=tmp_path / "a.png")
    boxes = {"boxes": np.float32([[[2, 1, 6, 5]]] * 3), "labels": np.ones((3, 1), int)}
    visualization.plot_bounding_box_gallery(images, "xyxy", boxes, boxes, legend=True, path=tmp_path / "b.png")
    visualization.plot_segmentation_mask_gallery(images, 2, y_true=images[..., :1] % 2, path=tmp_path / "c.png")
    assert all((tmp_path / f"{name}.png").stat().st_size > 500 for name in "abc")


def test_rematerialisation_by_name():
    with kgraph.RematScope("activations"):
        assert float(kgraph.remat(lambda x: x * 2)(3.0)) == 6.0


def subclassed():
    class Plain(Model):
        def call(self, x):
            return x
    return Plain()


def pair(width=3):
    return [Sequential([Input((2,)), layers.Dense(n)]) for n in (3, width)]


@pytest.mark.parametrize("run, words", [
    (lambda: FeatureSpace({}), "expected a dict of features"),
    (lambda: FeatureSpace({"a": "flaot"}), "Did you mean 'float'"),
    (lambda: FeatureSpace({"a": "float"}, crosses=[("a", "b")]), "expected names of features"),
    (lambda: FeatureSpace({"a": "float_normalized"})({"a": [1.0]}), "expected adapt"),
    (lambda: FeatureSpace({"a": FeatureSpace.string_hashed(3, "int")})({"a": ["x"]}), "output_mode='dict'"),
    (lambda: distillation.LogitsDistillation(0), "temperature"),
    (lambda: distillation.FeatureDistillation(None), "expected a loss that is not None"),
    (lambda: distillation.Distiller(*pair(4), distillation.LogitsDistillation()), "expected outputs of teacher"),
    (lambda: distillation.Distiller(*pair(), distillation.FeatureDistillation("mse", "x", "y")), "in the teacher"),
    (lambda: distillation.Distiller(*pair(), [distillation.LogitsDistillation()], [1, 2]), "a weight for each"),
    (lambda: distillation.Distiller(subclassed(), pair()[0], distillation.FeatureDistillation("mse", "x", "y")),
     "a subclass of Model"),
    (lambda: kgraph.RematScope("fully"), "Did you mean 'full'"),
    (lambda: visualization.draw_bounding_boxes(np.zeros((2, 3, 3)), {"boxes": [], "labels": []}, "xyxy"), "rank 4"),
])
def test_refused(run, words):
    with pytest.raises(ValueError, match=words):
        run()
