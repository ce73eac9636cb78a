"""How well a model notices products that belong nowhere in its tree: estimated in training.

The Trainer writes it to `assets.extra/shelfsort.json` under `unknown`, and the Evaluator copies it
to `metrics.json`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from shelfsort.contract.records import record_of, refuse_other
from shelfsort.core.errors import InputError


@dataclass(frozen=True)
class LeftOut:
    """A part of the tree whose products were taken for unknown ones.

    Attributes:
        node: id.
        path: its path.
        n: products of it.
        detected: share of them above the limit, 0 to 1.
    """

    node: str
    path: str
    n: int
    detected: float


@dataclass(frozen=True)
class UnknownRates:
    """Detection rates of one modality.

    Attributes:
        false_alarms: share of known products above the limit, 0 to 1.
        departments: nodes at the top, each left out with all below it.
        leaves: categories, each left out alone.
    """

    false_alarms: float
    departments: tuple[LeftOut, ...]
    leaves: tuple[LeftOut, ...]

    @property
    def of_departments(self) -> float | None:
        """Mean share detected; None where there are none."""
        return _mean(self.departments)

    @property
    def of_leaves(self) -> float | None:
        """Mean share detected; None where there are none."""
        return _mean(self.leaves)


Rates = Mapping[str, UnknownRates]
"""By modality."""


@dataclass(frozen=True)
class Withheld:
    """What the check for unknown products did on a split.

    Attributes:
        limit: the unknown score above which nothing is accepted, 0 to 1.
        n: products of the split.
        above: those above the limit.
    """

    limit: float
    n: int
    above: int


def rates_to_json(rates: Rates) -> dict[str, Any]:
    """Plain values; `rates_from_json` reads them back."""
    return {modality: asdict(each) for modality, each in rates.items()}


def rates_from_json(document: Mapping[str, Any] | None, where: str = "unknown") -> Rates:
    """Reads what `rates_to_json` wrote; {} where there is nothing.

    Raises:
        InputError: the document has another form.
    """
    try:
        return {
            modality: UnknownRates(
                _share(each["false_alarms"]), _parts(each["departments"]), _parts(each["leaves"])
            )
            for modality, each in ({} if document is None else document).items()
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _other_form(where, error) from error


def withheld_from_json(document: Any, where: str = "withheld") -> Withheld:
    """Reads `Withheld` as plain values. Raises InputError where they have another form."""
    try:
        return record_of(Withheld, document)
    except (TypeError, ValueError) as error:
        raise _other_form(where, error) from error


def _other_form(where: str, error: Exception) -> InputError:
    return InputError(
        f"{where}: not in a form that this version of Shelfsort reads ({error!r}). Use the "
        "version that wrote it, or train the model again."
    )


def _share(value: Any) -> float:
    refuse_other(value, float)
    if not 0 <= value <= 1:
        raise ValueError(f"{value} is no share, which is 0 to 1")
    return float(value)


def _parts(document: Sequence[Mapping[str, Any]]) -> tuple[LeftOut, ...]:
    found = tuple(record_of(LeftOut, each) for each in document)
    for each in found:
        _share(each.detected)
    return found


def _mean(parts: Sequence[LeftOut]) -> float | None:
    return sum(each.detected for each in parts) / len(parts) if parts else None
