# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ActivationLike, ArrayLike, Int, Shape
from kgraph.applications import convnext as convnext, densenet as densenet, efficientnet as efficientnet, efficientnet_v2 as efficientnet_v2, imagenet_utils as imagenet_utils, inception_resnet_v2 as inception_resnet_v2, inception_v3 as inception_v3, mobilenet as mobilenet, mobilenet_v2 as mobilenet_v2, mobilenet_v3 as mobilenet_v3, nasnet as nasnet, resnet as resnet, resnet50 as resnet50, resnet_v2 as resnet_v2, vgg16 as vgg16, vgg19 as vgg19, xception as xception
from kgraph.applications.convnext import ConvNeXtBase as ConvNeXtBase, ConvNeXtLarge as ConvNeXtLarge, ConvNeXtSmall as ConvNeXtSmall, ConvNeXtTiny as ConvNeXtTiny, ConvNeXtXLarge as ConvNeXtXLarge
from kgraph.applications.densenet import DenseNet121 as DenseNet121, DenseNet169 as DenseNet169, DenseNet201 as DenseNet201
from kgraph.applications.efficientnet import EfficientNetB0 as EfficientNetB0, EfficientNetB1 as EfficientNetB1, EfficientNetB2 as EfficientNetB2, EfficientNetB3 as EfficientNetB3, EfficientNetB4 as EfficientNetB4, EfficientNetB5 as EfficientNetB5, EfficientNetB6 as EfficientNetB6, EfficientNetB7 as EfficientNetB7
from kgraph.applications.efficientnet_v2 import EfficientNetV2B0 as EfficientNetV2B0, EfficientNetV2B1 as EfficientNetV2B1, EfficientNetV2B2 as EfficientNetV2B2, EfficientNetV2B3 as EfficientNetV2B3, EfficientNetV2L as EfficientNetV2L, EfficientNetV2M as EfficientNetV2M, EfficientNetV2S as EfficientNetV2S
from kgraph.applications.inception_resnet_v2 import InceptionResNetV2 as InceptionResNetV2
from kgraph.applications.inception_v3 import InceptionV3 as InceptionV3
from kgraph.applications.mobilenet import MobileNet as MobileNet
from kgraph.applications.mobilenet_v2 import MobileNetV2 as MobileNetV2
from kgraph.applications.mobilenet_v3 import MobileNetV3Large as MobileNetV3Large, MobileNetV3Small as MobileNetV3Small
from kgraph.applications.nasnet import NASNetLarge as NASNetLarge, NASNetMobile as NASNetMobile
from kgraph.applications.resnet import ResNet101 as ResNet101, ResNet152 as ResNet152, ResNet50 as ResNet50
from kgraph.applications.vgg16 import VGG16 as VGG16
from kgraph.applications.xception import Xception as Xception
from kgraph.models.model import Model

def ResNet101V2(include_top: bool = True, weights: str | None = 'imagenet', input_tensor: ArrayLike | None = None, input_shape: Shape | None = None, pooling: str | None = None, classes: Int = 1000, classifier_activation: ActivationLike = 'softmax', name: str | None = 'resnet101v2') -> Model: ...
def ResNet152V2(include_top: bool = True, weights: str | None = 'imagenet', input_tensor: ArrayLike | None = None, input_shape: Shape | None = None, pooling: str | None = None, classes: Int = 1000, classifier_activation: ActivationLike = 'softmax', name: str | None = 'resnet152v2') -> Model: ...
def ResNet50V2(include_top: bool = True, weights: str | None = 'imagenet', input_tensor: ArrayLike | None = None, input_shape: Shape | None = None, pooling: str | None = None, classes: Int = 1000, classifier_activation: ActivationLike = 'softmax', name: str | None = 'resnet50v2') -> Model: ...
def VGG19(include_top: bool = True, weights: str | None = 'imagenet', input_tensor: ArrayLike | None = None, input_shape: Shape | None = None, pooling: str | None = None, classes: Int = 1000, classifier_activation: ActivationLike = 'softmax', name: str | None = 'vgg19') -> Model: ...

__all__ = [
    "ConvNeXtBase",
    "ConvNeXtLarge",
    "ConvNeXtSmall",
    "ConvNeXtTiny",
    "ConvNeXtXLarge",
    "DenseNet121",
    "DenseNet169",
    "DenseNet201",
    "EfficientNetB0",
    "EfficientNetB1",
    "EfficientNetB2",
    "EfficientNetB3",
    "EfficientNetB4",
    "EfficientNetB5",
    "EfficientNetB6",
    "EfficientNetB7",
    "EfficientNetV2B0",
    "EfficientNetV2B1",
    "EfficientNetV2B2",
    "EfficientNetV2B3",
    "EfficientNetV2L",
    "EfficientNetV2M",
    "EfficientNetV2S",
    "InceptionResNetV2",
    "InceptionV3",
    "MobileNet",
    "MobileNetV2",
    "MobileNetV3Large",
    "MobileNetV3Small",
    "NASNetLarge",
    "NASNetMobile",
    "ResNet101",
    "ResNet101V2",
    "ResNet152",
    "ResNet152V2",
    "ResNet50",
    "ResNet50V2",
    "VGG16",
    "VGG19",
    "Xception",
    "convnext",
    "densenet",
    "efficientnet",
    "efficientnet_v2",
    "imagenet_utils",
    "inception_resnet_v2",
    "inception_v3",
    "mobilenet",
    "mobilenet_v2",
    "mobilenet_v3",
    "nasnet",
    "resnet",
    "resnet50",
    "resnet_v2",
    "vgg16",
    "vgg19",
    "xception",
]
