"""Picture backbones by name: ImageNet networks that turn pixels into one embedding."""

import dataclasses
from collections.abc import Callable

import keras

from shelfsort.core.errors import InputError
from shelfsort.training import efficientnet_lite

_APPLICATIONS = {
    "mobilenet_v2": ("MobileNetV2", "mobilenet_v2", 224),
    "resnet50": ("ResNet50", "resnet", 224),
    "vgg19": ("VGG19", "vgg19", 224),
    "efficientnet_v2_b0": ("EfficientNetV2B0", "efficientnet_v2", 224),
}
NAMES = ("efficientnet_lite0", *_APPLICATIONS)


@dataclasses.dataclass(frozen=True)
class Backbone:
    """A picture network.

    Attributes:
        name: as in the configuration.
        image_size: side of its square input, in pixels.
        model: (n, image_size, image_size, 3) float32 pixels in 0..255 → (n, embedding) float32.
    """

    name: str
    image_size: int
    model: keras.Model

    @property
    def embedding_size(self) -> int:
        return self.model.output_shape[-1]


def load_backbone(name: str, weights: str = "") -> Backbone:
    """Builds a backbone with its ImageNet weights.

    Args:
        name: one of NAMES.
        weights: path of a Keras weights file; needed by all but `efficientnet_lite0`, whose
            weights are a dependency. Nothing is downloaded.

    Raises:
        InputError: the name is unknown, or weights are missing.
    """
    if name == "efficientnet_lite0":
        return Backbone(name, efficientnet_lite.IMAGE_SIZE, efficientnet_lite.load_pretrained())
    if name not in _APPLICATIONS:
        raise InputError(f"training.image.backbone: {name!r} is none of {', '.join(NAMES)}.")
    if not weights:
        raise InputError(
            f"training.image.backbone_weights: {name} has no packaged weights; name a weights file "
            "(no top) that keras.applications accepts."
        )
    return _from_applications(name, lambda build: build(include_top=False, weights=weights))


def _from_applications(name: str, make: Callable[[Callable], keras.Model]) -> Backbone:
    class_name, module_name, size = _APPLICATIONS[name]
    module = getattr(keras.applications, module_name)
    pixels = keras.Input((size, size, 3), name="pixels")
    network = make(
        lambda **options: getattr(keras.applications, class_name)(
            input_shape=(size, size, 3), pooling="avg", **options
        )
    )
    return Backbone(name, size, keras.Model(pixels, network(module.preprocess_input(pixels))))
