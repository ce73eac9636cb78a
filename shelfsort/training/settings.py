"""What can be set about training; the pipeline's configuration embeds this as `training`."""

import dataclasses
from typing import Annotated, Literal

from pydantic import Field

Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, lt=1)]
LabelNoise = Literal["keep", "downweight", "drop"]


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """Settings of the towers, their fit and what is promised of their answers.

    Attributes:
        backbone: name of the picture backbone, see `shelfsort.training.backbones`.
        backbone_weights: path of a weights file; empty for those that come with the backbone.
        text_units: ReLU units of the text tower.
        image_units: ReLU units of the image tower.
        dropout: share of units dropped in each tower while training, in [0, 1).
        epochs: most passes over the training split.
        patience: passes without a better held-out loss before training stops.
        batch_size: products a step.
        learning_rate: peak rate of AdamW, decayed along a cosine.
        weight_decay: of AdamW.
        label_smoothing: share of each label spread over all categories, in [0, 1).
        weight_by_confidence: whether a label's confidence weighs it.
        class_weight_power: weight of a category is its frequency to minus this power; 0 = equal.
        folds: cross-fitting folds, from whose held-out scores the towers are pooled; at least 2.
        confidence: with which the thresholds' promise holds, in (0, 1).
        threshold_scope: `guarded` promises an accuracy over all that is decided, above floors that
            keep weak categories out; `overall` has no floors; with `category` each category must
            prove the promise by itself.
        label_noise: what is done about suspected label errors: `keep` trains on them as they are;
            `downweight` weighs them by their label's held-out probability and `drop` by 0, each
            at the price of a second cross-fit. They are listed in the report in any case.
        warm_start: whether the final fit starts from the live model's towers, in fewer passes; the
            cross-fits never do.
        seed: of initial weights, order and dropout.
        embedding_cache: folder that keeps picture embeddings between runs; empty for none.
    """

    backbone: str = "efficientnet_lite0"
    backbone_weights: str = ""
    text_units: Positive = 192
    image_units: Positive = 256
    dropout: Share = 0.3
    epochs: Positive = 15
    patience: Positive = 3
    batch_size: Positive = 128
    learning_rate: Annotated[float, Field(gt=0)] = 2e-3
    weight_decay: Annotated[float, Field(ge=0)] = 1e-2
    label_smoothing: Share = 0.0
    weight_by_confidence: bool = True
    class_weight_power: Annotated[float, Field(ge=0, le=1)] = 0.0
    folds: Annotated[int, Field(ge=2)] = 3
    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.95
    threshold_scope: Literal["guarded", "overall", "category"] = "guarded"
    label_noise: LabelNoise = "keep"
    warm_start: bool = False
    seed: int = 7
    embedding_cache: str = ""
