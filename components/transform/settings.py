"""What can be set about Transform; the pipeline's configuration embeds this as `transform`."""

import dataclasses
from typing import Annotated

from pydantic import Field


@dataclasses.dataclass(frozen=True)
class TransformConfig:
    """Sizes of vocabularies and of a product's share in them.

    Attributes:
        max_vocabulary: terms kept in each vocabulary, the most frequent first.
        min_count: terms seen less often over the training split are dropped.
        max_words: words and word pairs kept of a product, the heaviest first.
        max_pieces: pieces of words kept of a title, the heaviest first.
    """

    max_vocabulary: Annotated[int, Field(ge=1)] = 50_000
    min_count: Annotated[int, Field(ge=1)] = 2
    max_words: Annotated[int, Field(ge=1)] = 128
    max_pieces: Annotated[int, Field(ge=1)] = 192
