"""The loss of a detector on a grid: centres, sizes, confidence and classes, by backend and tf functions."""
import numpy as np
import tensorflow as tf
from tensorflow.keras import backend as K
from tensorflow.keras.layers import Conv2D, Input, Lambda, Reshape
from tensorflow.keras.models import Model

ANCHORS = np.array([[1.0, 1.5], [2.0, 0.7]])
GRID, CLASSES = 3, 2


def yolo_head(feats, anchors, num_classes):
    num_anchors = len(anchors)
    anchors_tensor = K.reshape(K.constant(anchors), [1, 1, 1, num_anchors, 2])
    grid_shape = K.shape(feats)[1:3]
    grid_y = K.tile(K.reshape(K.arange(0, stop=grid_shape[0]), [-1, 1, 1, 1]), [1, grid_shape[1], 1, 1])
    grid_x = K.tile(K.reshape(K.arange(0, stop=grid_shape[1]), [1, -1, 1, 1]), [grid_shape[0], 1, 1, 1])
    grid = K.cast(K.concatenate([grid_x, grid_y]), K.dtype(feats))
    feats = K.reshape(feats, [-1, grid_shape[0], grid_shape[1], num_anchors, num_classes + 5])
    box_xy = (K.sigmoid(feats[..., :2]) + grid) / K.cast(grid_shape[::-1], K.dtype(feats))
    box_wh = K.exp(feats[..., 2:4]) * anchors_tensor / K.cast(grid_shape[::-1], K.dtype(feats))
    return box_xy, box_wh, K.sigmoid(feats[..., 4:5]), K.softmax(feats[..., 5:])


def box_iou(b1_xy, b1_wh, b2_xy, b2_wh):
    intersect_mins = K.maximum(b1_xy - b1_wh / 2., b2_xy - b2_wh / 2.)
    intersect_maxes = K.minimum(b1_xy + b1_wh / 2., b2_xy + b2_wh / 2.)
    intersect_wh = K.maximum(intersect_maxes - intersect_mins, 0.)
    intersect_area = intersect_wh[..., 0] * intersect_wh[..., 1]
    return intersect_area / (b1_wh[..., 0] * b1_wh[..., 1] + b2_wh[..., 0] * b2_wh[..., 1] - intersect_area + K.epsilon())


def yolo_loss(y_true, y_pred):
    xy, wh, confidence, probs = yolo_head(y_pred, ANCHORS, CLASSES)
    true = K.reshape(y_true, [-1, GRID, GRID, 2, 7])
    mask = true[..., 4:5]
    iou = K.expand_dims(box_iou(xy, wh, true[..., :2], true[..., 2:4]), -1)
    ignore = K.cast(iou > 0.6, 'float32')
    coordinates = K.sum(mask * K.square(xy - true[..., :2])) + K.sum(mask * K.square(K.sqrt(wh) - K.sqrt(true[..., 2:4])))
    objects = K.sum(5 * mask * K.square(1 - confidence)) + K.sum((1 - mask) * (1 - ignore) * K.square(confidence))
    classes = K.sum(mask * K.square(true[..., 5:] - probs))
    return 0.5 * (coordinates + objects + classes)


rng = np.random.RandomState(9)
image = Input((6, 6, 3))
x = Conv2D(4, 3, strides=2, padding='same', activation=tf.nn.leaky_relu)(image)
x = Conv2D(2 * (CLASSES + 5), 1)(x)
model = Model(image, Reshape((GRID, GRID, 2, CLASSES + 5))(x))
model.set_weights([rng.normal(0, 0.3, w.shape) for w in model.get_weights()])
model.compile(optimizer=tf.keras.optimizers.Adam(1e-2), loss=yolo_loss)
images = rng.rand(4, 6, 6, 3).astype('float32')
boxes = rng.uniform(0.1, 0.9, (4, GRID, GRID, 2, 7)).astype('float32')
boxes[..., 4] = rng.rand(4, GRID, GRID, 2) > 0.7
losses = [model.train_on_batch(images, boxes) for _ in range(4)]
b_xy, b_wh, score, classes = yolo_head(K.constant(model.predict(images, verbose=0)), ANCHORS, CLASSES)
box_scores = score[0] * classes[0]
centre, size = K.reshape(b_xy[0], (-1, 2)), K.reshape(b_wh[0], (-1, 2))
corners = K.concatenate([centre - size / 2, centre + size / 2])
kept = tf.image.non_max_suppression(corners, K.reshape(K.max(box_scores, axis=-1), [-1]), 5, iou_threshold=0.3)
print('values:', *losses, *K.get_value(K.gather(K.reshape(K.max(box_scores, axis=-1), [-1]), kept)), *kept.numpy())
