"""Why a manifest line is left out: every reason there is, and what is recorded of it."""

from dataclasses import dataclass

REASONS: dict[str, str] = {
    "not_json": "The line is not JSON in UTF-8",
    "not_an_object": "The line is JSON, but not an object",
    "malformed_row": "The row of the table cannot be read",
    "line_too_long": "The line is longer than a product description can be",
    "invalid_id": "The id is not a short text or a number",
    "repeated_id": "An earlier line of the file has the same id",
    "invalid_text": "The title or the description is not a text",
    "no_content": "The product has neither words nor an image",
    "missing_label": "The product is not labelled yet",
    "invalid_label": "The label, an answer or its confidence is of another type",
    "job_failed": "The labelling job reported a failure",
    "unknown_label": "The label is not in the taxonomy",
    "ambiguous_label": "The label could mean several categories",
    "not_a_leaf": "The label is a category with subcategories",
    "no_consensus": "Too few workers agree on one label",
    "inner_label": "The workers agree on a category with subcategories, and on none below it",
    "cannot_tell": "Most workers cannot tell the category",
    "not_selected": "The label is outside the chosen categories",
    "rare_category": "The category has too few products",
    "held_out_group": "A model or a selection had a part in the label of a held-out group",
    "held_out_inner_label": "The label of a held-out group has subcategories, and could only train",
    "missing_image": "The image is not there",
    "unreadable_image": "The image is broken or cut short",
    "unsupported_image_format": "The image has a format that is not read",
    "image_too_large": "The image has too many bytes or pixels",
    "path_outside_folder": "The image lies outside the manifest's folder",
    "unreachable_store": "The object store of the image does not answer",
    "unsupported_scheme": "The image's address cannot be read from here",
}

IGNORED: dict[str, str] = {
    "text_cut": "a title or description was cut",
    "price": "a price is no number, and the product counts as one without a price",
    "gold": "a gold label is not in the tree and was left out",
    "empty_answer": "an empty answer was left out",
    "unscored": "a confidence of 0 was read as not scored",
    "machine_label": "a label was given by a machine",
}
"""What was cut, left out or set in products that are used, in words."""

IMAGE_REASONS = (
    "missing_image",
    "unreadable_image",
    "unsupported_image_format",
    "image_too_large",
    "path_outside_folder",
    "unsupported_scheme",
)
"""Reasons against an image: a product with words keeps these."""
IGNORED |= {reason: f"words kept without the image: {REASONS[reason]}" for reason in IMAGE_REASONS}

DELIBERATE = frozenset({"not_selected", "rare_category", "held_out_inner_label"})
"""Reasons that the settings ask for."""

UNLABELLED = "missing_label"
NO_FAULT = DELIBERATE | {UNLABELLED}
"""Reasons that are no fault of the data: nobody has answered about an unlabelled product."""

_LONGEST_DETAIL = 300
_LONGEST_REFERENCE = 1000


class RejectedLine(Exception):  # noqa: N818 - a verdict on the data, not a fault
    """A line must be left out, for `reason` (a key of REASONS); `detail` is for a person."""

    def __init__(self, reason: str, detail: str):
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type["RejectedLine"], tuple[str, str]]:
        return (RejectedLine, (self.reason, self.detail))


@dataclass(frozen=True)
class Reject:
    """One line left out.

    Attributes:
      line: line number in its file, from 1.
      id: the product's id, "" where the line has none.
      reason: a key of REASONS.
      detail: what exactly is wrong, at most 300 characters.
      image: the `source-ref` as written, "" where there is none.
      workers: who answered, one entry for each answer: their work was paid for all the same.
      file: of the manifest.
    """

    line: int
    id: str
    reason: str
    detail: str
    image: str
    workers: tuple[str, ...] = ()
    file: str = ""

    @classmethod
    def of(
        cls,
        file: str,
        line: int,
        id_: str,
        image: str,
        why: RejectedLine,
        workers: tuple[str, ...] = (),
    ) -> "Reject":
        """The record of `why`, with what a hostile line could make too long cut."""
        return cls(
            line,
            id_[:_LONGEST_REFERENCE],
            why.reason,
            why.detail[:_LONGEST_DETAIL],
            image[:_LONGEST_REFERENCE],
            workers,
            file,
        )

    @property
    def place(self) -> tuple[str, int]:
        """By which rejects are ordered."""
        return self.file, self.line

    def to_json(self) -> dict[str, int | str]:
        """The record as `rejects.jsonl` has it."""
        return {
            "file": self.file,
            "line": self.line,
            "id": self.id,
            "reason": self.reason,
            "detail": self.detail,
            "image": self.image,
        }
