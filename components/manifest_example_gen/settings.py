"""How the manifest is read; the pipeline's configuration embeds this as `data`."""

import dataclasses
from typing import Annotated

from pydantic import Field

from shelfsort.products.images.headers import MAX_IMAGE_PIXELS

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """The labelled manifest: how it is read, and what is rejected.

    Attributes:
        label_attribute: Name of the label attribute. Needed only where the manifest has several.
        reduction: Path of a file that maps many leaves onto one. Empty for none.
        splits: Shares of `train`, `calibration` and `eval`. A hash of a product's group decides
            which split it belongs to.
        max_reject_share: Share of rejected lines above which the run stops.
        min_confidence: Confidence below which a label counts as no consensus, and is rejected.
        max_image_pixels: Number of pixels above which an image is rejected.
        max_image_bytes: Size in bytes above which an image is rejected.
        max_text_chars: Number of characters after which a title or description is cut.
        image_roots: Folders that images may lie in, besides the manifest's own.
        allow_http: Whether images are fetched from public http(s) addresses.
    """

    label_attribute: str = ""
    reduction: str = ""
    splits: dict[str, Positive] = dataclasses.field(
        default_factory=lambda: {"train": 80, "calibration": 10, "eval": 10}
    )
    max_reject_share: Share = 0.2
    min_confidence: Share = 0.5
    max_image_pixels: Positive = MAX_IMAGE_PIXELS
    max_image_bytes: Positive = 20_000_000
    max_text_chars: Positive = 20_000
    image_roots: tuple[str, ...] = ()
    allow_http: bool = False

    def __post_init__(self) -> None:
        if set(self.splits) != {"train", "calibration", "eval"}:
            raise ValueError("data.splits must name train, calibration and eval")
