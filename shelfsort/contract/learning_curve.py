"""What more labelled products would bring: measured in training, shown beside the figures.

The Trainer writes it to `assets.extra/shelfsort.json` under `learning_curve` where a target cannot
be certified, and the Evaluator copies it to `metrics.json`. Its numbers are projections
(`shelfsort.stats.learning_curve`), not guarantees.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from shelfsort.contract.records import record_of, refuse_other
from shelfsort.contract.targets import target_key, target_of
from shelfsort.core.errors import InputError


@dataclass(frozen=True)
class CurvePoint:
    """Held-out answers of models that a part of the labels was kept from.

    Attributes:
        products: labelled products that would leave as many to train on.
        accuracy: of the answers, 0 to 1.
        low, high: its 95 % interval; variants of one product count for less than as many products.
        coverage: by target, the share of products on which so many would prove it, 0 to 1.
    """

    products: int
    accuracy: float
    low: float
    high: float
    coverage: Mapping[float, float]


@dataclass(frozen=True)
class Shortfall:
    """A target that cannot be certified yet, and what would change that.

    Attributes:
        target: the accuracy.
        products: labelled products in all that would certify it on some of the products; None where
            that is too far away to say.
        low, high: the middle 90 % of redraws of the held-out products; None likewise.
        doubled: coverage with twice the labelled products, 0 to 1.
        doubled_low, doubled_high: the middle 90 % of redraws.
        lower_target: the highest lower accuracy, in whole percent, that the present answers would
            prove; None where it is below 50 %.
        lower_coverage: coverage there, 0 to 1.
    """

    target: float
    products: int | None
    low: int | None
    high: int | None
    doubled: float
    doubled_low: float
    doubled_high: float
    lower_target: float | None
    lower_coverage: float


@dataclass(frozen=True)
class ModalityCurve:
    """The curve of one modality: rising numbers of products, and rising targets."""

    points: tuple[CurvePoint, ...]
    shortfalls: tuple[Shortfall, ...]


@dataclass(frozen=True)
class NeedyCategory:
    """A category whose next label is worth most.

    Attributes:
        category: id of the leaf.
        path: its path.
        labels: products that training has of it.
        error: share of its held-out products that are answered wrong, smoothed; 0 to 1.
    """

    category: str
    path: str
    labels: int
    error: float


@dataclass(frozen=True)
class LearningCurve:
    """What more labelled products would bring.

    Attributes:
        products: labelled products of the run, as the points count them.
        modalities: those with a target that cannot be certified.
        categories: the most needy first.
    """

    products: int
    modalities: Mapping[str, ModalityCurve]
    categories: tuple[NeedyCategory, ...]

    def shortfall(self, modality: str, target: float) -> Shortfall | None:
        """Of a modality at a target; None where it is certified or not known."""
        curve = self.modalities.get(modality)
        found = curve.shortfalls if curve else ()
        return next((each for each in found if each.target == target), None)

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` reads them back."""
        document = asdict(self)
        for curve in document["modalities"].values():
            for point in curve["points"]:
                point["coverage"] = {target_key(t): c for t, c in point["coverage"].items()}
        return document

    @classmethod
    def from_json(
        cls, document: Mapping[str, Any] | None, where: str = "learning_curve"
    ) -> "LearningCurve | None":
        """Reads what `to_json` wrote; None where there is nothing.

        Raises:
            InputError: the document has another form.
        """
        if not document:
            return None
        try:
            return cls(
                products=_whole(document["products"]),
                modalities={
                    modality: ModalityCurve(
                        points=tuple(map(_point, curve["points"])),
                        shortfalls=tuple(
                            record_of(Shortfall, each) for each in curve["shortfalls"]
                        ),
                    )
                    for modality, curve in document["modalities"].items()
                },
                categories=tuple(record_of(NeedyCategory, each) for each in document["categories"]),
            )
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{where}: not in a form that this version of Shelfsort reads ({error!r}). Use the "
                "version that wrote it, or train the model again."
            ) from error


def _point(document: Mapping[str, Any]) -> CurvePoint:
    coverage = {target_of(key): _number(share) for key, share in document["coverage"].items()}
    point = CurvePoint(**{**document, "coverage": coverage})
    _whole(point.products)
    for each in (point.accuracy, point.low, point.high):
        _number(each)
    return point


def _whole(value: Any) -> int:
    refuse_other(value, int)
    return int(value)


def _number(value: Any) -> float:
    refuse_other(value, float)
    return float(value)
