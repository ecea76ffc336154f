"""Pictures of data: images in rows, with boxes and masks drawn into them. Galleries need matplotlib, and texts in
images Pillow: pip install kgraph[visualization].

Args:
    images: a batch of values in value_range.
    bounding_box_format: what the numbers of boxes mean: see kgraph.utils.bounding_boxes.
    y_true, y_pred: what is so, and what was predicted: boxes, masks or labels.
    value_range: the least and the largest value.
    true_color, pred_color, color: (red, green, blue).
    line_thickness, text_thickness, font_scale: in pixels, and of the text.
    class_mapping, ground_truth_mapping, prediction_mapping, label_map: {class: name}.
    legend, legend_handles: a legend below.
    rows, cols: of the gallery; None: as fits.
    num_classes: how many there are.
    color_mapping: {class: (red, green, blue)}.
    blend, alpha, ignore_index: as for draw_segmentation_masks.
    scale, dpi, transparent, show, path: of the figure, and where it goes.
    data_format: "channels_last" or "channels_first"; None: kgraph.config.image_data_format().

Returns:
    An array of pictures, or a figure.
"""
from __future__ import annotations

import math

import numpy as np

from kgraph.config import image_data_format
from kgraph.legacy.paths import lookup
from kgraph.utils.bounding_boxes import convert_format

__all__ = ["draw_bounding_boxes", "draw_segmentation_masks", "plot_bounding_box_gallery", "plot_image_gallery",
           "plot_segmentation_mask_gallery"]


def _last(images, data_format, what):
    """Images as an array of rank 4, channels last."""
    images = np.asarray(images)
    if images.ndim != 4:
        raise ValueError(f"{what}: expected a batch of images of rank 4, received shape {images.shape}")
    return np.moveaxis(images, 1, -1) if (data_format or image_data_format()) == "channels_first" else images


def _package(name, what, extra):
    try:
        return __import__(name, fromlist=["x"])
    except ImportError:
        raise ImportError(f"{what} needs {extra}: pip install kgraph[visualization]") from None


def draw_bounding_boxes(images, bounding_boxes, bounding_box_format, class_mapping=None, color=(128, 128, 128),
                        line_thickness=2, text_thickness=1, font_scale=1.0, data_format=None):
    """The images as uint8 with the outlines of boxes drawn into them, channels last or as given.

    Args:
        images: a batch; floats up to 1 are stretched to 255
        bounding_boxes: a dict of "boxes" and "labels", and "confidences" to be written; label -1 is no box
        bounding_box_format: see kgraph.utils.bounding_boxes
        class_mapping: {label: text}, written beside the box

    Raises:
        TypeError: images or boxes of another kind.
        ValueError: another rank, or boxes without labels.
    """
    what = "draw_bounding_boxes"
    if not isinstance(bounding_boxes, dict):
        raise TypeError(f"{what}: expected bounding_boxes to be a dict, received {type(bounding_boxes).__name__}")
    if not {"boxes", "labels"} <= set(bounding_boxes):
        raise ValueError(f"{what}: expected 'boxes' and 'labels', received {sorted(bounding_boxes)}")
    first = (data_format or image_data_format()) == "channels_first"
    drawn = _bytes(_last(images, data_format, what))
    boxes = convert_format(bounding_boxes, bounding_box_format, "xyxy", *drawn.shape[1:3])["boxes"].numpy()
    labels = np.asarray(bounding_boxes["labels"]).astype(int)
    confidences = bounding_boxes.get("confidences")
    for i, image in enumerate(drawn):
        for j, (box, label) in enumerate(zip(boxes[i].astype(int), labels[i])):
            if label == -1:
                continue
            _outline(image, box, color, line_thickness)
            text = (class_mapping or {}).get(int(label))
            if text is not None:
                text = text if confidences is None else f"{text} | {np.asarray(confidences)[i][j]:.2f}"
                _write(image, box, text, color, font_scale, text_thickness or line_thickness)
    return np.moveaxis(drawn, -1, 1) if first else drawn


def _bytes(images):
    if images.dtype.kind == "f" and images.size:
        images = np.clip(images, 0, 1) * 255 if images.max() <= 1 else np.clip(images, 0, 255)
    return images.astype("uint8")


def _outline(image, box, color, thickness):
    """A rectangle of lines, half of their thickness to each side of the box."""
    (x1, y1, x2, y2), before, behind = box, (thickness - 1) // 2 + (thickness > 1), thickness // 2 + 1
    height, width = image.shape[:2]
    at = lambda a, most: slice(max(0, a - before), max(0, min(most, a + behind)))
    along = lambda a, b, most: slice(max(0, min(a, b) - before), max(0, min(most, max(a, b) + behind)))
    color = np.asarray(color, "uint8")[:image.shape[-1]]
    for y in (y1, y2):
        image[at(y, height), along(x1, x2, width)] = color
    for x in (x1, x2):
        image[along(y1, y2, height), at(x, width)] = color


def _write(image, box, text, color, scale, thickness):
    pil = _package("PIL.Image", "draw_bounding_boxes with class_mapping", "Pillow")
    draw = _package("PIL.ImageDraw", "draw_bounding_boxes with class_mapping", "Pillow")
    font = _package("PIL.ImageFont", "draw_bounding_boxes with class_mapping", "Pillow")
    height = int(scale * 12)
    x, y = (box[0], box[1] - 8 - height) if box[1] - 8 - 2 * height > 0 else (box[0] + 3, box[1] + thickness + 3)
    mask = pil.new("L", (image.shape[1], image.shape[0]))
    draw.Draw(mask).text((int(x), int(y)), text, fill=255, font=font.load_default())
    image[np.asarray(mask) > 127] = np.asarray(color, "uint8")[:image.shape[-1]]


def draw_segmentation_masks(images, segmentation_masks, num_classes=None, color_mapping=None, alpha=0.8, blend=True,
                            ignore_index=-1, data_format=None):
    """The images with the classes of masks in colours, channels last: uint8, or floats where nothing is blended.

    Raises TypeError for masks that are no integers.

    Args:
        images: a batch of values in [0, 255]
        segmentation_masks: integers [batch, height, width, 1]
        num_classes: by default the largest of them; classes from there on are not coloured
        color_mapping: {class: (red, green, blue)}
        alpha: the weight of the colours, where blended; where the mask is ignore_index images stay
    """
    what = "draw_segmentation_masks"
    images = _last(images, data_format, what).astype("float32")
    masks = _last(segmentation_masks, data_format, what)
    if masks.dtype.kind not in "iu":
        raise TypeError(f"{what}: expected segmentation_masks of integers, received {masks.dtype}")
    masks = masks[..., 0]
    count = int(masks.max()) if num_classes is None else num_classes
    drawn = images.copy()
    for i in range(count):
        drawn[masks == i] = np.float32(_color(i) if color_mapping is None else color_mapping[i])
    if not blend:
        return drawn
    mixed = images * np.float32(1 - alpha) + drawn * np.float32(alpha)
    return np.where((masks != ignore_index)[..., None], mixed, images).astype("uint8")


def _color(i) -> list:
    return [i * (2 ** power - 1) % 255 for power in (25, 15, 21)]


def plot_image_gallery(images, y_true=None, y_pred=None, label_map=None, rows=None, cols=None, value_range=(0, 255),
                       scale=2, path=None, show=None, transparent=True, dpi=60, legend_handles=None, data_format=None):
    """Draw images in rows, into a file or on the screen.

    Args:
        y_true, y_pred: labels, written above the images by label_map, {label: text}
        rows, cols: by default nearly a square
        value_range: of the images; scale: inches of an image
        path: of the file; show: on the screen, where there is no path
        legend_handles: of matplotlib

    Raises:
        ValueError: arguments that do not fit each other.
    """
    plt = _package("matplotlib.pyplot", "plot_image_gallery", "matplotlib")
    if path is not None and show:
        raise ValueError("plot_image_gallery: expected path or show, received both")
    if (y_true is not None or y_pred is not None) and label_map is None:
        raise ValueError("plot_image_gallery: expected a label_map for y_true and y_pred, received None")
    images = _last(images, data_format, "plot_image_gallery")
    rows = rows or math.ceil(math.sqrt(len(images)))
    cols = cols or math.ceil(len(images) / rows)
    low, high = value_range
    images = np.clip((images.astype("float32") - low) / (high - low) * 255, 0, 255).astype("uint8")
    figure, axes = plt.subplots(rows, cols, figsize=(cols * scale, rows * scale), frameon=False, layout="tight",
                                squeeze=False, sharex="row", sharey="col")
    if legend_handles is not None:
        figure.legend(handles=legend_handles, loc="lower center")
    for i, axis in enumerate(axes.flat):
        axis.axis("off")
        if i < len(images):
            axis.imshow(images[i] if images.shape[-1] > 1 else images[i, ..., 0], cmap="gray")
            told = [f"{word}: {label_map.get(np.asarray(labels)[i].item(), 'Unknown')}"
                    for word, labels in (("Label", y_true), ("Pred", y_pred)) if labels is not None and i < len(labels)]
            axis.set_title("  ".join(told), fontsize=8)
    if path is not None:
        plt.savefig(path, pad_inches=0, bbox_inches="tight", transparent=transparent, dpi=dpi)
    elif show is None or show:
        plt.show()
    plt.close(figure)


def plot_bounding_box_gallery(images, bounding_box_format, y_true=None, y_pred=None, value_range=(0, 255),
                              true_color=(0, 188, 212), pred_color=(255, 235, 59), line_thickness=2, font_scale=1.0,
                              text_thickness=None, class_mapping=None, ground_truth_mapping=None,
                              prediction_mapping=None, legend=False, legend_handles=None, rows=None, cols=None,
                              data_format=None, **kwargs):
    """plot_image_gallery of images with the boxes y_true and y_pred in two colours: dicts as for draw_bounding_boxes.
    legend: says which is which. kwargs: for plot_image_gallery.

    Raises:
        ValueError: arguments that do not fit each other.
    """
    if legend and legend_handles:
        raise ValueError("plot_bounding_box_gallery: expected legend or legend_handles, received both")
    drawn = _last(images, data_format, "plot_bounding_box_gallery")
    low, high = value_range
    drawn = _bytes((drawn.astype("float32") - low) / (high - low) * 255) if (low, high) != (0, 255) else drawn
    for boxes, color, mapping in ((y_true, true_color, ground_truth_mapping or class_mapping),
                                  (y_pred, pred_color, prediction_mapping or class_mapping)):
        if boxes is not None:
            drawn = draw_bounding_boxes(drawn, boxes, bounding_box_format, mapping, color, line_thickness,
                                        text_thickness, font_scale, "channels_last")
    if legend:
        patch = _package("matplotlib.patches", "plot_bounding_box_gallery", "matplotlib").Patch
        legend_handles = [patch(color=np.array(color) / 255.0, label=label)
                          for color, label in ((true_color, "Ground Truth"), (pred_color, "Prediction"))]
    plot_image_gallery(drawn, legend_handles=legend_handles, rows=rows, cols=cols, data_format="channels_last",
                       **kwargs)


def plot_segmentation_mask_gallery(images, num_classes, value_range=(0, 255), y_true=None, y_pred=None,
                                   color_mapping=None, blend=True, alpha=0.8, ignore_index=-1, data_format=None,
                                   **kwargs):
    """plot_image_gallery with a row for each image: itself, with the masks y_true, and with y_pred. kwargs: for
    plot_image_gallery."""
    shown = [_last(images, data_format, "plot_segmentation_mask_gallery")]
    for masks in (y_true, y_pred):
        if masks is not None:
            masks = _last(masks, data_format, "plot_segmentation_mask_gallery").astype("int32")
            shown.append(draw_segmentation_masks(shown[0], masks, num_classes, color_mapping, alpha, blend,
                                                 ignore_index, "channels_last"))
    rows = np.stack(shown, axis=1)
    plot_image_gallery(rows.reshape(-1, *rows.shape[2:]), value_range=value_range, rows=len(rows), cols=len(shown),
                       data_format="channels_last", **kwargs)


def __getattr__(name):
    return lookup(__name__, name, __all__)


def __dir__():
    return sorted(__all__)
