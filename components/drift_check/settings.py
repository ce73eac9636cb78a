"""What counts as drift, as it stands in the configuration under `drift`."""

import dataclasses
from typing import Annotated

from pydantic import Field

Distance = Annotated[float, Field(ge=0, le=1)] | None


@dataclasses.dataclass(frozen=True)
class Tolerances:
    """Tolerated distance of each property: a Jensen-Shannon divergence in bits, or null for any.

    What chance explains in so many products comes on top. 0.05 is about one product in ten that
    moves to a value not seen before. Words are hashed into few buckets, which blurs them: there
    0.02 is about one title in five in another language.

    Attributes:
        category: Shares of the categories.
        label_confidence: Confidence of the labels.
        title_words: Words of the titles.
        title_length: Number of words in a title.
        description_words: Words of the descriptions.
        description_length: Number of words in a description.
        price: Prices, in bins of half an octave.
        has_picture: Whether a product has an image.
        image_format: File format of the images.
        image_width: Width of the images in pixels.
        image_height: Height of the images in pixels.
    """

    category: Distance = 0.05
    label_confidence: Distance = 0.05
    title_words: Distance = 0.02
    title_length: Distance = 0.05
    description_words: Distance = 0.02
    description_length: Distance = 0.05
    price: Distance = 0.05
    has_picture: Distance = 0.05
    image_format: Distance = 0.05
    image_width: Distance = 0.05
    image_height: Distance = 0.05


@dataclasses.dataclass(frozen=True)
class DriftConfig:
    """Drift: how this run's products are compared with those the live model was trained on.

    Attributes:
        max_share_ratio: Tolerated factor by which a category's share of the products grows or
            shrinks, before what chance explains. null for any.
        confidence: Confidence with which each comparison rules out chance.
        serving_logs: Pattern of TFRecord files of requests to servers, which are compared with the
            training products. Empty for none.
    """

    max_distance: Tolerances = Tolerances()
    max_share_ratio: Annotated[float, Field(gt=1)] | None = 2.0
    confidence: Annotated[float, Field(ge=0.5, lt=1)] = 0.95
    serving_logs: str = ""
