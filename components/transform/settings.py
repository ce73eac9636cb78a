"""What can be set about Transform; the pipeline's configuration embeds this as `transform`."""

import dataclasses
from typing import Annotated

from pydantic import Field


@dataclasses.dataclass(frozen=True)
class TransformConfig:
    """The vocabularies, and how much of a product's text is kept.

    Attributes:
        max_vocabulary: Maximum number of terms in each vocabulary. The most frequent are kept.
        min_count: Number of occurrences in `train` below which a term is dropped.
        max_words: Maximum number of words and word pairs of a product. The heaviest are kept.
        max_pieces: Maximum number of word pieces of a title. The heaviest are kept.
    """

    max_vocabulary: Annotated[int, Field(ge=1)] = 50_000
    min_count: Annotated[int, Field(ge=1)] = 2
    max_words: Annotated[int, Field(ge=1)] = 128
    max_pieces: Annotated[int, Field(ge=1)] = 192
