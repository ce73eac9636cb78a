"""Predictions that a run's Evaluator left behind, as far as the tree's tools need them."""

from collections.abc import Iterator
from dataclasses import dataclass

from shelfsort.core.errors import InputError
from shelfsort.core.storage import exists, is_folder, join, list_files
from shelfsort.products.tables.binary import parquet_rows

_FILE = "predictions.parquet"
_OF_A_RUN = ("pipeline", "Evaluator", "evaluation")
_COLUMNS = ("model", "mode", "split", "category", "predicted")
_CANDIDATE = "candidate"
SPLITS = ("eval", "calibration", "held_out")
MODES = ("combined", "text", "image")


@dataclass(frozen=True)
class Prediction:
    """What a model said of a product that it was not trained on.

    Attributes:
        label: id of the product's leaf.
        predicted: id of the leaf that the model gave.
        group: equal for variants of one product; the product's own id where there is no group.
    """

    label: str
    predicted: str
    group: object


def find_predictions(place: str) -> str:
    """The file of predictions: `place` itself, or the newest one of a run's output folder.

    Raises:
        InputError: there is none.
    """
    if not is_folder(place):
        return place
    if exists(join(place, _FILE)):
        return join(place, _FILE)
    found = list_files(join(place, *_OF_A_RUN, "*", _FILE))
    if not found:
        raise InputError(
            f"{place}: no {_FILE}. Give the --output folder of a finished run, or the file."
        )
    return max(found, key=_number)


def read_predictions(place: str, split: str, mode: str) -> Iterator[Prediction]:
    """The new model's predictions on one split, in one mode.

    Args:
        place: of the file.
        split: of `SPLITS`; the model was not trained on any of them.
        mode: of `MODES`: what of a product the model saw.

    Raises:
        InputError: the file cannot be read, or a column is missing.
    """
    for row in parquet_rows(place, place):
        if missing := [name for name in _COLUMNS if name not in row.cells]:
            raise InputError(f"{place}: no column {missing[0]!r}. Give the predictions of a run.")
        cells = row.cells
        chosen = (cells["model"], cells["split"], cells["mode"]) == (_CANDIDATE, split, mode)
        label, predicted = cells["category"], cells["predicted"]
        if chosen and isinstance(label, str) and isinstance(predicted, str):
            group = cells.get("group")
            own = cells.get("product_id") or row.number
            yield Prediction(label, predicted, own if group is None else group)


def _number(place: str) -> int:
    name = place.replace("\\", "/").split("/")[-2]
    return int(name) if name.isdecimal() else -1
