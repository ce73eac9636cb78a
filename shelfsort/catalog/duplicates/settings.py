"""When two pictures count as the same."""

from typing import Annotated

import pydantic
from pydantic import Field

from shelfsort.catalog.duplicates.nearby import MOST_BITS


class DuplicateSettings(pydantic.BaseModel):
    """How near-duplicates are found.

    Attributes:
        distance: Bits in which the perceptual hashes of two pictures may differ, for the pair to
            be looked at.
        difference: Of the pixels, 0 to 1, up to which the two are the same picture. The default is
            what `benchmarks/duplicates.py` chose.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    distance: Annotated[int, Field(ge=0, le=MOST_BITS)] = 6
    difference: Annotated[float, Field(ge=0, le=1)] = 0.008
