"""How the manifest is read; the pipeline's configuration embeds this as `data`."""

import dataclasses
from typing import Annotated

from pydantic import Field

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """How the manifest is read.

    Attributes:
        label_attribute: needed only where the manifest has several.
        reduction: file that maps many leaves onto one; empty for none.
        splits: shares of `train`, `calibration` and `eval`; a product's group decides by a hash.
        max_reject_share: above this share of rejected lines the run stops.
        min_confidence: labels with less have no consensus and are rejected.
        max_image_pixels, max_image_bytes: larger pictures are rejected.
        max_text_chars: longer titles and descriptions are cut.
        image_roots: folders besides the manifest's that pictures may lie in.
        allow_http: whether pictures are fetched from public http(s) addresses.
    """

    label_attribute: str = ""
    reduction: str = ""
    splits: dict[str, Positive] = dataclasses.field(
        default_factory=lambda: {"train": 80, "calibration": 10, "eval": 10}
    )
    max_reject_share: Share = 0.2
    min_confidence: Share = 0.5
    max_image_pixels: Positive = 50_000_000
    max_image_bytes: Positive = 20_000_000
    max_text_chars: Positive = 20_000
    image_roots: tuple[str, ...] = ()
    allow_http: bool = False

    def __post_init__(self) -> None:
        if set(self.splits) != {"train", "calibration", "eval"}:
            raise ValueError("data.splits must name train, calibration and eval")
