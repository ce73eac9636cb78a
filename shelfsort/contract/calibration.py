"""A model's temperature and thresholds: fitted in training, part of the graph, shown in reports.

The Trainer writes them to `assets.extra/shelfsort.json` under `thresholds`, and the Evaluator
copies them to `metrics.json`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from shelfsort.contract.targets import DEFAULT_TARGETS, target_key, target_of
from shelfsort.core.errors import InputError

VERSION = 2
"""Of the document. Version 1 has no such key, and no floors."""

CROSS_FITTED, CALIBRATION_SPLIT = "cross_fitted", "calibration"
"""What thresholds are fitted on: cross-fitted answers of `train`, or the split `calibration`."""


@dataclass(frozen=True)
class NodeThreshold:
    """From which score on answers at one node of the tree are accepted.

    Attributes:
        value: the lowest accepted score, 0 to 1; None accepts nothing.
        floor: of a category, the lowest score that its cross-fitted answers allow: 0.0 allows
            every answer, None allows none. `value` is never below it.
    """

    value: float | None
    floor: float | None = 0.0


@dataclass(frozen=True)
class Target:
    """The thresholds of one modality at one target accuracy; None accepts nothing.

    Attributes:
        correlation: of right and wrong among variants of one product, 0 to 1.
        overall: of leaves, before floors and refuted categories.
        parent: pooled over the direct parents of leaves.
        levels: pooled over the nodes at each depth, 1 at the top.
        categories: the ones in force, by leaf.
        parents: the ones in force, by node above the leaves; a leaf at the top is its own parent.
    """

    correlation: float
    overall: float | None
    parent: float | None
    levels: Mapping[int, float | None]
    categories: Mapping[str, NodeThreshold]
    parents: Mapping[str, NodeThreshold]

    @property
    def floors(self) -> dict[str, float | None]:
        """The floors of categories."""
        return {leaf: each.floor for leaf, each in self.categories.items()}


_UNKNOWN_ABOVE = "unknown_above"
_NOTHING = NodeThreshold(None)
_NO_TARGET = Target(0.0, None, None, {}, {}, {})


@dataclass(frozen=True)
class ModalityCalibration:
    """The calibration of one modality.

    Attributes:
        temperature: above 0.
        n: calibration products that it was fitted on; not those withheld as unknown.
        n_effective: how many independent products give as much evidence.
        confidence: of the accuracy guarantee, in (0, 1).
        scope: whose evidence counts: `guarded`, `overall` or `category`.
        targets: by target accuracy, rising.
        n_by_category: calibration products whose predicted category is the leaf.
        n_by_parent: those whose predicted category lies below the node.
        evidence: `CROSS_FITTED` or `CALIBRATION_SPLIT`.
        unknown_above: the unknown score above which nothing is accepted, 0 to 1; None in models of
            versions without unknown scores.
    """

    temperature: float
    n: int
    n_effective: float
    confidence: float
    scope: str
    targets: Mapping[float, Target]
    n_by_category: Mapping[str, int]
    n_by_parent: Mapping[str, int]
    evidence: str = CALIBRATION_SPLIT
    unknown_above: float | None = None

    def at(self, target: float) -> Target:
        """The thresholds at a target; without any where the model knows no such target."""
        return self.targets.get(target, _NO_TARGET)

    def threshold(self, leaf: str, target: float) -> float | None:
        """The lowest accepted score of a category; None where nothing is accepted."""
        return self.at(target).categories.get(leaf, _NOTHING).value

    def parent_threshold(self, node: str, target: float) -> float | None:
        """The lowest accepted score of a node above the leaves; None where nothing is accepted."""
        return self.at(target).parents.get(node, _NOTHING).value

    def accepts_any(self, target: float) -> bool:
        """Whether any category is ever accepted at the target."""
        return any(each.value is not None for each in self.at(target).categories.values())

    def decisive_json(self) -> dict[str, Any]:
        """Everything that an answer depends on, and the evidence for it: plain values."""
        by_key = {target_key(target): each for target, each in self.targets.items()}
        levels = dict.fromkeys(level for each in by_key.values() for level in each.levels)
        return {
            "temperature": self.temperature,
            "n": self.n,
            "n_effective": self.n_effective,
            "confidence": self.confidence,
            "scope": self.scope,
            **({} if self.unknown_above is None else {_UNKNOWN_ABOVE: self.unknown_above}),
            "correlation": {key: each.correlation for key, each in by_key.items()},
            "overall": {key: each.overall for key, each in by_key.items()},
            "parent": {key: each.parent for key, each in by_key.items()},
            "levels": {
                str(level): {key: each.levels[level] for key, each in by_key.items()}
                for level in levels
            },
            "by_category": {
                leaf: {**{key: each.categories[leaf].value for key, each in by_key.items()}, "n": n}
                for leaf, n in self.n_by_category.items()
            },
            "by_parent": {
                node: {**{key: each.parents[node].value for key, each in by_key.items()}, "n": n}
                for node, n in self.n_by_parent.items()
            },
        }

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` reads them back."""
        return {
            "version": VERSION,
            "evidence": self.evidence,
            **self.decisive_json(),
            "floors": {
                leaf: {
                    target_key(target): each.categories[leaf].floor
                    for target, each in self.targets.items()
                }
                for leaf in self.n_by_category
            },
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "ModalityCalibration":
        """Reads what `to_json` or an older version wrote; see `Calibration.from_json`."""
        if document.get("version", 1) > VERSION:
            raise ValueError(f"version {document['version']}; {VERSION} is the newest known")
        by_category, by_parent = document.get("by_category", {}), document.get("by_parent", {})
        return cls(
            temperature=float(document.get("temperature", 1.0)),
            n=int(document.get("n", 0)),
            n_effective=float(document.get("n_effective", 0.0)),
            confidence=float(document.get("confidence", 0.95)),
            scope=str(document.get("scope", "")),
            targets={target_of(key): _target(document, key) for key in _keys(document)},
            n_by_category={leaf: int(each.get("n", 0)) for leaf, each in by_category.items()},
            n_by_parent={node: int(each.get("n", 0)) for node, each in by_parent.items()},
            evidence=str(document.get("evidence", CALIBRATION_SPLIT)),
            unknown_above=_threshold(document, _UNKNOWN_ABOVE),
        )


@dataclass(frozen=True)
class Calibration:
    """The calibration of a model.

    Attributes:
        modalities: by modality; of an older model maybe not all.
    """

    modalities: Mapping[str, ModalityCalibration]

    @property
    def targets(self) -> tuple[float, ...]:
        """The targets of the model, rising; the default ones where it carries no thresholds."""
        known = {target for each in self.modalities.values() for target in each.targets}
        return tuple(sorted(known)) or DEFAULT_TARGETS

    def of(self, modality: str) -> ModalityCalibration:
        """The calibration of a modality; one that accepts nothing where there is none."""
        return self.modalities.get(modality) or ModalityCalibration.from_json({})

    def to_json(self) -> dict[str, Any]:
        """Plain values: `thresholds` in `shelfsort.json` and `metrics.json`."""
        return {modality: each.to_json() for modality, each in self.modalities.items()}

    @classmethod
    def from_json(
        cls, document: Mapping[str, Any] | None, where: str = "thresholds"
    ) -> "Calibration":
        """Reads `thresholds` of this version or an older one; None is a model without any.

        Models of version 1 do not carry their floors. Theirs are taken from the thresholds in
        force: a category whose threshold is not the overall one has it for a floor.

        Args:
            document: plain values.
            where: names the document in errors.

        Raises:
            InputError: the document has another form, or a newer version wrote it.
        """
        try:
            return cls(
                {
                    modality: ModalityCalibration.from_json(each)
                    for modality, each in (document or {}).items()
                }
            )
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{where}: not in a form that this version of Shelfsort reads ({error!r}). Use the "
                "version that wrote it, or train the model again."
            ) from error


def _keys(document: Mapping[str, Any]) -> Iterable[str]:
    """Names of all targets, rising."""
    tables = [document.get("overall", {}), document.get("correlation", {})]
    for nodes in ("by_category", "by_parent"):
        tables += document.get(nodes, {}).values()
    return sorted({key for table in tables for key in table if key != "n"}, key=target_of)


def _target(document: Mapping[str, Any], key: str) -> Target:
    overall = _threshold(document.get("overall", {}), key)
    floors = document.get("floors")
    guessed = document.get("scope") == "guarded" and overall is not None

    def category(leaf: str, table: Mapping[str, Any]) -> NodeThreshold:
        value = _threshold(table, key)
        if floors is not None:
            return NodeThreshold(value, _threshold(floors[leaf], key))
        return NodeThreshold(value, value if guessed and value != overall else 0.0)

    return Target(
        correlation=float(document.get("correlation", {}).get(key, 0.0)),
        overall=overall,
        parent=_threshold(document.get("parent", {}), key),
        levels={
            int(level): _threshold(table, key)
            for level, table in document.get("levels", {}).items()
        },
        categories={
            leaf: category(leaf, table) for leaf, table in document.get("by_category", {}).items()
        },
        parents={
            node: NodeThreshold(_threshold(table, key))
            for node, table in document.get("by_parent", {}).items()
        },
    )


def _threshold(table: Mapping[str, Any], key: str) -> float | None:
    value = table.get(key)
    return None if value is None else float(value)
