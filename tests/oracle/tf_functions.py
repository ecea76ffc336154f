"""What functions of TensorFlow give, written into tests/data/tf_functions.json.

    python tests/oracle/tf_functions.py   in an environment with TensorFlow
"""
import json
from pathlib import Path

import numpy as np

DATA = Path(__file__).parents[1] / "data" / "tf_functions.json"
RNG = np.random.default_rng(0)
A, Q = np.float32([[1, -2, 3], [4, 0, -6]]), np.float32([[2, 1], [1, 3]])
C = np.linalg.cholesky(Q)
x = RNG.normal(size=(1, 6, 6, 2)).astype("float32")
x1, x3 = x[:, :, 0], np.stack([x, x], 1)[:, :, :4, :4]
K2, lg = (RNG.normal(size=size).astype("float32") for size in ((2, 2, 2, 1), (5, 2, 4)))
im = RNG.random((2, 5, 4, 3)).astype("float32")
b = np.float32([[0, 0, 1, 1], [0, 0, 1, .9], [.5, .5, 1, 1], [0, 0, .2, .2]])
sc, V = np.float32([.9, .8, .7, .1]), np.float32([1, 1.5, 2.5, 0])
boxes, both = b[None, :, None], np.stack([sc, sc[::-1]], -1)[None]
two, five = np.int32([2, 1]), np.int32([5, 4])
CASES = r"""
    tf.unique_with_counts([3, 1, 3, 2])
    tf.unique_with_counts(["b", "a", "b"])
    tf.dynamic_partition(A, [1, 0], 2)
    tf.dynamic_partition([1, 2, 3, 4], [0, 1, 0, 2], 4)
    tf.dynamic_stitch([[0, 2], [1, 2]], [[1.0, 2.0], [3.0, 4.0]])
    tf.dynamic_stitch([[1], [0]], [A[:1], A[1:]])
    tf.identity_n([1, 2.0])
    tf.foldr(lambda a, x: a * 2 + x, tf.constant([1, 2, 3]))
    tf.histogram_fixed_width([-1.0, 0.0, 1.5, 2.0, 5.0, 15.0], [0.0, 5.0], nbins=5)
    tf.histogram_fixed_width([0.1], [0.0, 1.0])
    tf.realdiv(A, 2.0)
    tf.truncatediv([-7, 7, -7], [2, -2, 3])
    tf.truncatemod([-7, 7, -7], [2, -2, 3])
    tf.unravel_index([5, 3], [2, 3])
    tf.reverse_sequence(A, [2, 3], seq_axis=1)
    tf.reverse_sequence(np.arange(12).reshape(3, 2, 2), [2, 3], seq_axis=0, batch_axis=1)
    tf.tensor_scatter_nd_sub(A[0], [[1], [1]], [1.0, 2.0])
    tf.tensor_scatter_nd_max(A[0], [[1], [0]], [5.0, -9.0])
    tf.tensor_scatter_nd_min(A, [[1, 0]], [-5.0])
    [tf.constant_initializer(3.0)((2,)), tf.ones_initializer()((2,)), tf.zeros_initializer()((1,))]
    tf.as_string([1.5])
    M.xdivy(np.float32([0, 2]), np.float32([0, 4]))
    M.xlog1py(np.float32([0, 2]), np.float32([-1, 4]))
    M.polyval([1.0, 2.0, 3.0], 2.0)
    M.polyval([A, A], 2.0)
    M.invert_permutation([2, 0, 1])
    M.reduce_euclidean_norm(A, 1, True)
    M.segment_mean(A, [0, 0])
    M.segment_mean(A, [0, 1])
    M.unsorted_segment_mean(A, [2, 2], 4)
    M.unsorted_segment_sqrt_n(A, [1, 1], 2)
    M.segment_mean([1.0, 2.0, 6.0], [0, 0, 2])
    L.adjoint(A)
    L.cholesky_solve(C, np.float32([[1], [2]]))
    L.expm(Q)
    L.expm(np.stack([Q * 3, -Q]))
    L.matrix_rank(np.float32([[1, 2], [2, 4]]))
    L.tensor_diag([1.0, 2.0])
    L.tensor_diag(Q)
    L.tensor_diag_part(L.tensor_diag(Q))
    N.max_pool1d(x1, 2, 2, "VALID")
    N.avg_pool1d(x1, 2, 1, "SAME")
    N.max_pool3d(x3, 2, 2, "VALID")
    N.avg_pool3d(x3, [1, 2, 2, 2, 1], [1, 1, 2, 2, 1], "SAME")
    N.atrous_conv2d(x, K2, 2, "VALID")
    N.atrous_conv2d(x, K2, 2, "SAME")
    N.lrn(x[:, :1, :2], 1, 1.0, 0.5, 0.75)
    N.local_response_normalization(x[:, :1, :1])
    N.ctc_loss(np.int32([[1, 2], [3, 0]]), lg, two, five)
    N.ctc_loss(np.int32([[1, 2], [2, 0]]), lg.swapaxes(0, 1), two, five, logits_time_major=False, blank_index=-1)
    N.ctc_greedy_decoder(lg, five)
    N.ctc_beam_search_decoder(lg, five, beam_width=10, top_paths=2)
    I.crop_and_resize(im, [[0.0, 0.0, 1.0, 1.0], [0.2, 0.1, 0.7, 1.3]], [0, 1], [3, 3])
    I.crop_and_resize(im, [[0.1, 0.2, 0.9, 0.8]], [1], [2, 1], "nearest", 7.0)
    I.draw_bounding_boxes(im, np.float32([[[0.1, 0.2, 0.8, 0.9]], [[0.0, 0.0, 1.0, 1.0]]]), np.float32([[1, 0, 0]]))
    I.non_max_suppression_with_scores(b, sc, 3)
    I.non_max_suppression_padded(b, sc, 4, score_threshold=0.2, pad_to_max_output_size=True)
    list(I.combined_non_max_suppression(boxes, both, 2, 5, score_threshold=0.15))
    list(I.combined_non_max_suppression(boxes, both, 2, 5, pad_per_class=True))
    I.is_jpeg(b"\xff\xd8\xff")
    M.rint(V)
    M.reciprocal_no_nan(V)
    M.log_softmax(V)
    M.zero_fraction(V)
    M.reduce_euclidean_norm(V)
    M.is_non_decreasing(V)
    M.is_strictly_increasing(V)
    I.rgb_to_yuv(im[0, :2, :2])
    I.yuv_to_rgb(im[0, :2, :2])
    I.rgb_to_yiq(im[0, :2, :2])
    I.yiq_to_rgb(im[0, :2, :2])
"""


def results(tf) -> dict:
    """{expression: its value, as JSON has it}."""
    names = {**globals(), "tf": tf, "M": tf.math, "N": tf.nn, "I": tf.image, "L": tf.linalg}
    return {line.strip(): plain(eval(line.strip(), names)) for line in CASES.strip().splitlines()}


def plain(found):
    """A result as JSON has it: values and dtypes."""
    if isinstance(found, (tuple, list)) and not hasattr(found, "dense_shape"):
        return [plain(x) for x in found]
    if hasattr(found, "dense_shape"):
        return [plain(x) for x in (found.indices, found.values, found.dense_shape)]
    values = found.numpy() if hasattr(found, "numpy") else found
    values = np.asarray(values)
    if values.dtype.kind == "O":
        values = values.astype(str)
    return {"values": values.tolist(), "dtype": getattr(found.dtype, "name", str(found.dtype))}


if __name__ == "__main__":
    import tensorflow
    DATA.write_text(json.dumps(results(tensorflow), indent=0) + "\n")
