"""The mistakes worth a reviewer's eyes: the most confident ones, and some of every category."""

from dataclasses import dataclass

import pandas as pd

PER_CATEGORY = 10


@dataclass(frozen=True)
class ModelError:
    """One eval product put into the wrong category by the combined model.

    `score` is the calibrated probability of `predicted`; `gold` is "" where there is none;
    `label_confidence` is the share of workers behind the label, None where not known.
    """

    product_id: str
    title: str
    category: str
    predicted: str
    score: float
    decided: bool
    answer: str
    gold: str
    label_confidence: float | None

    @property
    def label_is_wrong(self) -> bool:
        """Gold says that the model is right, and the label it was marked against is not."""
        return bool(self.gold) and self.gold == self.predicted


def confident_errors(
    predictions: pd.DataFrame, max_errors: int, decided_by: str
) -> list[ModelError]:
    """Picks the errors to show, most confident first.

    The `max_errors` most confident ones; and of every category up to PER_CATEGORY of the
    products that belong to it and as many that were wrongly put into it, so that no category
    comes up empty when a reviewer asks for it (at most `max_errors` more). `decided_by` is the
    column that says whether the model decided, such as accepted_95.
    """
    wrong = predictions[predictions.category != predictions.predicted]
    wrong = wrong.sort_values(["score", "product_id"], ascending=[False, True], kind="stable")
    top, rest = wrong.head(max_errors), wrong.iloc[max_errors:]
    seldom = (rest.groupby("category").cumcount() < PER_CATEGORY) | (
        rest.groupby("predicted").cumcount() < PER_CATEGORY
    )
    chosen = pd.concat([top, rest[seldom].head(max_errors)])
    return [_error(row, decided_by) for row in chosen.to_dict("records")]


def _error(row: dict, decided_by: str) -> ModelError:
    confidence = row["label_confidence"]
    return ModelError(
        product_id=row["product_id"],
        title=row["title"] or "",
        category=row["category"],
        predicted=row["predicted"],
        score=round(float(row["score"]), 4),
        decided=bool(row[decided_by]),
        answer=row["answer"] or "",
        gold=row["gold"] or "",
        label_confidence=None if pd.isna(confidence) else round(float(confidence), 3),
    )
