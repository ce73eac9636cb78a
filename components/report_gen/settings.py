"""What can be set about the report; the pipeline's configuration embeds this as `report`."""

import dataclasses
from typing import Annotated

from pydantic import Field


@dataclasses.dataclass(frozen=True)
class ReportConfig:
    """The report that a reviewer decides from.

    Attributes:
        max_errors: Maximum number of confident errors that are shown with their images.
        explained_errors: Number of confident errors that are explained by their words and by the
            nearest training products, and of label issues shown with theirs. 0 for none.
        price_per_answer: Price of one worker's answer. null leaves the labelling's cost out.
    """

    max_errors: Annotated[int, Field(ge=0)] = 500
    explained_errors: Annotated[int, Field(ge=0, le=100)] = 30
    price_per_answer: Annotated[float, Field(ge=0)] | None = None
