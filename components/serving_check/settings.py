"""What can be set about ServingCheck; the configuration embeds this as `serving_check`."""

import dataclasses
from typing import Annotated

from pydantic import Field

Positive = Annotated[int, Field(ge=1)]


@dataclasses.dataclass(frozen=True)
class ServingCheckConfig:
    """The trial of a model in a fresh process, as a server would load it.

    Attributes:
        golden_products: Number of products of `eval` that are replayed.
        time_limit_s: Seconds after which the replay counts as failed.
    """

    golden_products: Positive = 32
    time_limit_s: Positive = 300
