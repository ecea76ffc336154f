"""The image models of Keras, with its names of layers and numbers: `kgraph.applications.ResNet50(weights=None)`.

Weights trained on ImageNet are Keras's own files, in its cache folder (~/.keras/models).

Args:
    include_top: with the classifier on top. True by default.
    include_preprocessing: with the scaling of pixels as the first layers. True by default.
    weights: "imagenet" (files in KERAS_HOME, which are not fetched), None for random ones, or the path of a file.
    input_tensor: a KTensor to build on; None: a new Input.
    input_shape: (height, width, channels); None: that of the published weights, or with include_top=False any.
    pooling: without the top: "avg" or "max" over the image; None: feature maps.
    classes: of the top, 1000 by default.
    classifier_activation: of the top, "softmax" by default; None: logits.
    name: of the model.
    alpha, depth_multiplier: factors of the numbers of filters, and of filters for each channel.
    dropout, dropout_rate: before the classifier.
    minimalistic: without squeezing, hard activations and 5 x 5 windows.

Returns:
    A Model.
"""
import importlib

from kgraph.legacy.paths import lookup

_MODULE_OF = {name: module for module, names in {
    "convnext": "ConvNeXtTiny ConvNeXtSmall ConvNeXtBase ConvNeXtLarge ConvNeXtXLarge",
    "densenet": "DenseNet121 DenseNet169 DenseNet201",
    "efficientnet": "EfficientNetB0 EfficientNetB1 EfficientNetB2 EfficientNetB3 EfficientNetB4 EfficientNetB5 "
                    "EfficientNetB6 EfficientNetB7",
    "efficientnet_v2": "EfficientNetV2B0 EfficientNetV2B1 EfficientNetV2B2 EfficientNetV2B3 EfficientNetV2S "
                       "EfficientNetV2M EfficientNetV2L",
    "inception_resnet_v2": "InceptionResNetV2", "inception_v3": "InceptionV3",
    "mobilenet": "MobileNet", "mobilenet_v2": "MobileNetV2", "mobilenet_v3": "MobileNetV3Small MobileNetV3Large",
    "nasnet": "NASNetMobile NASNetLarge",
    "resnet": "ResNet50 ResNet101 ResNet152", "resnet_v2": "ResNet50V2 ResNet101V2 ResNet152V2",
    "vgg16": "VGG16", "vgg19": "VGG19", "xception": "Xception",
}.items() for name in names.split()}
_MODULES = {*_MODULE_OF.values(), "imagenet_utils", "resnet50"}

__all__ = sorted((*_MODULE_OF, *_MODULES))


def __getattr__(name):
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _MODULE_OF:
        return lookup(__name__, name, __all__)
    return getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__():
    return __all__
