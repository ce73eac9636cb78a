"""Picture backbones by name: ImageNet networks that turn pixels into one embedding."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import keras

from shelfsort.core.errors import InputError
from shelfsort.training import efficientnet_lite
from shelfsort.training.embedding_cache import content_digest
from shelfsort.training.images import PIXELS_VERSION
from shelfsort.training.weights import read_weights

_APPLICATIONS = {
    "mobilenet_v2": ("MobileNetV2", "mobilenet_v2", 224),
    "resnet50": ("ResNet50", "resnet", 224),
    "vgg19": ("VGG19", "vgg19", 224),
    "inception_v3": ("InceptionV3", "inception_v3", 299),
    "efficientnet_v2_b0": ("EfficientNetV2B0", "efficientnet_v2", 224),
}
NAMES = (*efficientnet_lite.SCALES, *_APPLICATIONS)
# The layer after which the last group of blocks begins, the one of the lowest resolution.
_LAST_BLOCKS_AFTER = {
    **{name: efficientnet_lite.last_blocks_after(name) for name in efficientnet_lite.SCALES},
    "mobilenet_v2": "block_12_add",
    "resnet50": "conv4_block6_out",
    "vgg19": "block4_pool",
    "inception_v3": "mixed7",
    "efficientnet_v2_b0": "block5e_add",
}
_SETTING = "training.image.backbone_weights"


@dataclasses.dataclass(frozen=True)
class Backbone:
    """A picture network.

    Attributes:
        name: as in the configuration.
        image_size: side of its square input, in pixels.
        model: (n, image_size, image_size, 3) float32 pixels in 0..255 → (n, embedding) float32.
        last_blocks_after: name of the layer of `model` after which its last blocks begin.
        tuned: digest of its weights if it was fine-tuned; "" for the pretrained ones.
    """

    name: str
    image_size: int
    model: keras.Model
    last_blocks_after: str = ""
    tuned: str = ""

    @property
    def embedding_size(self) -> int:
        return self.model.output_shape[-1]


def embedding_key(backbone: Backbone, weights: str = "") -> str:
    """Names what an embedding depends on besides the picture: network, weights, geometry.

    Args:
        backbone: embeds.
        weights: path of the file of its pretrained weights; "" for packaged ones.
    """
    named = "packaged"
    if backbone.tuned:
        named = f"tuned-{backbone.tuned}"
    elif weights:
        named = content_digest(Path(weights).read_bytes()).hex()
    return f"{backbone.name}-{named}-padded-{backbone.image_size}-v{PIXELS_VERSION}"


def resized(backbone: Backbone, size: int) -> Backbone:
    """The same network, with the same weights, for squares of another size.

    Args:
        backbone: stays as it is.
        size: side in pixels; 0 for that of `backbone`.

    Raises:
        InputError: so small a square does not reach the last layer.
    """
    if size in (0, backbone.image_size):
        return backbone
    pixels = keras.Input((size, size, 3), name=backbone.model.inputs[0].name)
    try:
        model = keras.models.clone_model(backbone.model, pixels, clone_function=_same_layer)
        # Where nothing is left of an image, Keras takes the mean of no values.
        reaches = all(0 not in layer.output.shape[1:] for layer in model.layers)
    except ValueError:
        reaches = False
    if not reaches:
        raise InputError(
            f"training.image: {backbone.name} cannot see images of {size} x {size} pixels. Set "
            "image_size to a larger size, or to 0."
        )
    model.set_weights(backbone.model.get_weights())
    return dataclasses.replace(backbone, image_size=size, model=model)


def _same_layer(layer: keras.Operation) -> keras.Operation:
    return (
        type(layer).from_config(layer.get_config())
        if isinstance(layer, keras.layers.Layer)
        else layer
    )


def load_backbone(name: str, weights: str = "", image_size: int = 0) -> Backbone:
    """Builds a backbone with its ImageNet weights.

    Args:
        name: one of NAMES.
        weights: path of a file: a PyTorch checkpoint in the legacy format for EfficientNet-Lite, a
            Keras weights file (no top) for the others. "" for weights that come in a package,
            which only EfficientNet-Lite has. Nothing is downloaded.
        image_size: side of its input, in pixels; 0 for its own.

    Raises:
        InputError: the name is unknown, weights are missing or do not fit, or the size is too
            small.
    """
    return resized(_pretrained(name, weights), image_size)


def _pretrained(name: str, weights: str) -> Backbone:
    if name in efficientnet_lite.SCALES:
        model = efficientnet_lite.load_pretrained(name, read_weights(name, weights, _SETTING))
        size = efficientnet_lite.SCALES[name].image_size
        return Backbone(name, size, model, _LAST_BLOCKS_AFTER[name])
    if name not in _APPLICATIONS:
        raise InputError(f"training.image.backbone: {name!r} is none of {', '.join(NAMES)}.")
    if not weights:
        raise InputError(
            f"{_SETTING}: {name} has no packaged weights; name a weights file (no top) that "
            "keras.applications accepts."
        )
    # keras.applications would take some words, "imagenet" among them, for a wish to download.
    if not Path(weights).is_file():
        raise InputError(f"{_SETTING}: {weights} is not a file.")
    try:
        return _from_applications(name, lambda build: build(include_top=False, weights=weights))
    except (ValueError, OSError, KeyError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{weights}: holds no weights of {name} ({reason}).") from None


def _from_applications(name: str, make: Callable[[Callable], keras.Model]) -> Backbone:
    class_name, module_name, size = _APPLICATIONS[name]
    module = getattr(keras.applications, module_name)
    pixels = keras.Input((size, size, 3), name="pixels")
    # One flat graph, so that fine-tuning can cut it at any layer.
    network = make(
        lambda **options: getattr(keras.applications, class_name)(
            input_shape=(size, size, 3),
            input_tensor=module.preprocess_input(pixels),
            pooling="avg",
            **options,
        )
    )
    model = keras.Model(pixels, network.outputs[0], name=name)
    return Backbone(name, size, model, _LAST_BLOCKS_AFTER[name])
