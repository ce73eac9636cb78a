"""How the manifest is read; the pipeline's configuration embeds this as `data`."""

import dataclasses
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from shelfsort.products.images.headers import MAX_IMAGE_PIXELS
from shelfsort.products.tables.columns import FIELDS
from shelfsort.products.tables.rows import Reading

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]

_ASSISTED_BY = ("auto", "model_assisted")


def _known_fields(columns: dict[str, str]) -> dict[str, str]:
    if unknown := set(columns) - set(FIELDS):
        raise ValueError(f"no field {min(unknown)!r}; use {', '.join(FIELDS)}")
    return columns


def _known_splits(splits: dict[str, int]) -> dict[str, int]:
    if set(splits) - {"calibration"} != {"train", "eval"}:
        raise ValueError("must name train and eval, and may name calibration")
    return splits


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """The labelled products: how they are read, and what is rejected.

    Attributes:
        label_attribute: Name of the label attribute. Needed only where the manifest has several.
        columns: Column of each field (id, title, description, price, image, category, gold) of a
            table. The columns of other fields are recognised by their names.
        encoding: Encoding of a CSV file that is not UTF-8 and has no byte-order mark.
        sheet: Sheet of an Excel file. Empty for the first.
        label_form: What labels are. `any` refuses a label that could mean several categories.
        inner_labels: Treatment of a label that names an inner category. `reject` leaves the product
            out. `train` learns from it that the product is in one of the leaves below. Such a
            product only trains: no threshold, test or figure rests on it.
        categories: Categories that are learnt, by id, path or name, with all below them. Empty for
            all.
        min_products: Number of products below which a category is left out.
        reduction: Path of a file that maps many leaves onto one. Empty for none.
        splits: Shares of `train` and `eval`, and of `calibration` where thresholds are to be fitted
            on a split of their own. A hash of a product's group decides which split it belongs to.
            Without `calibration`, thresholds are fitted on the cross-fitted predictions of `train`.
        max_reject_share: Share of rejected lines, among those with a label, above which the run
            stops.
        consolidation: How the answers of several workers become a label. `majority` counts them;
            the other methods learn each worker's skill from all lines, as `shelfsort labels
            consolidate` does. Lines that were consolidated before keep their label.
            `model_assisted` also weighs a model's scores; its labels only train, and products of
            the other splits keep the label that people alone give them.
        scores: Scores of a model that never saw the products, for `consolidation` `model_assisted`
            or `auto`: a file of JSON Lines, or the output folder of a run. Needs `calibration` in
            `splits`.
        min_confidence: Confidence below which a label counts as no consensus, and is rejected.
        max_image_pixels: Number of pixels above which an image is rejected.
        max_image_bytes: Size in bytes above which an image is rejected.
        max_text_chars: Number of characters after which a title or description is cut.
        image_roots: Folders that images may lie in, besides the manifest's own: paths, and
            addresses such as `s3://bucket/images`.
        allow_http: Whether images are fetched from public http(s) addresses.
    """

    label_attribute: str = ""
    columns: Annotated[dict[str, str], AfterValidator(_known_fields)] = dataclasses.field(
        default_factory=dict
    )
    encoding: str = "utf-8"
    sheet: str = ""
    label_form: Literal["any", "id", "path", "name"] = "any"
    inner_labels: Literal["reject", "train"] = "reject"
    categories: tuple[str, ...] = ()
    min_products: Annotated[int, Field(ge=0)] = 0
    reduction: str = ""
    splits: Annotated[dict[str, Positive], AfterValidator(_known_splits)] = dataclasses.field(
        default_factory=lambda: {"train": 90, "eval": 10}
    )
    max_reject_share: Share = 0.2
    consolidation: Literal[
        "majority", "auto", "wawa", "one_coin", "dawid_skene", "pooled", "mace", "model_assisted"
    ] = "majority"
    scores: str = ""
    min_confidence: Share = 0.5
    max_image_pixels: Positive = MAX_IMAGE_PIXELS
    max_image_bytes: Positive = 20_000_000
    max_text_chars: Positive = 20_000
    image_roots: tuple[str, ...] = ()
    allow_http: bool = False

    def __post_init__(self) -> None:
        _known_fields(self.columns)
        _known_splits(self.splits)
        self._check_scores()

    def _check_scores(self) -> None:
        if self.consolidation == "model_assisted" and not self.scores:
            raise ValueError("consolidation model_assisted needs scores")
        if not self.scores:
            return
        if self.scores == "titles":
            raise ValueError("scores must be a file or the output folder of a run, not titles")
        if self.consolidation not in _ASSISTED_BY:
            raise ValueError(f"scores need the consolidation {' or '.join(_ASSISTED_BY)}")
        if "calibration" not in self.splits:
            # Labels that a model had a part in prove nothing: thresholds need others.
            raise ValueError("scores need calibration in splits, where people alone label")

    @property
    def reading(self) -> Reading:
        """How tables are read."""
        return Reading(self.columns, self.encoding, self.sheet, self.label_attribute)
