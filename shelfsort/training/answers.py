"""What a model promises: temperatures and thresholds for each mode, fitted on `calibration`.

A product is answered in one of three modes, by what it has: words and picture (`combined`), words
only (`text`), picture only (`image`). A score means something different in each, so each has its
own temperature and thresholds.
"""

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from shelfsort.contract.modalities import MODALITIES
from shelfsort.contract.targets import TARGETS, target_key
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.stats.design_effect import sizes_by_correlation
from shelfsort.stats.temperature import fit_temperature, softmax
from shelfsort.stats.thresholds import Trials, fit_thresholds
from shelfsort.training.dataset import Products
from shelfsort.training.floors import above_floors, category_floors
from shelfsort.training.pooling import Pool
from shelfsort.training.rows import Rows, chunks, evenly

# A temperature is one number: more products than these would not move it.
TEMPERED_ON = 20_000


@dataclasses.dataclass(frozen=True)
class Shelves:
    """The model's categories in the tree.

    Attributes:
        categories: K leaf ids, in the order of the logits.
        taxonomy: the tree they stand in.
    """

    categories: Sequence[str]
    taxonomy: Taxonomy

    @property
    def parents(self) -> list[str]:
        """Parent shelf of each category: K node ids."""
        return [self.taxonomy.parent_shelf(leaf) for leaf in self.categories]

    @property
    def parent_levels(self) -> list[int]:
        """Depth of each category's parent shelf; 1 for a category at the top, its own shelf."""
        return [self.taxonomy.depth(parent) for parent in self.parents]

    @property
    def levels(self) -> range:
        """Depths at which there are shelves, 1 being the top."""
        return range(1, max(self.parent_levels) + 1)

    def shelves_at(self, level: int) -> list[str | None]:
        """Each category's shelf at depth `level`, None where it has none.

        That is the ancestor at that depth; a category at the top is its own shelf.
        """
        lines = [self.taxonomy.ancestors(leaf) or [leaf] for leaf in self.categories]
        return [line[level - 1] if len(line) >= level else None for line in lines]


def node_index(nodes: Sequence[str | None]) -> np.ndarray:
    """(K,) int32 group of each category: equal for those that share a node, -1 for no node."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(filter(None, nodes)))}
    return np.array([numbers[node] if node else -1 for node in nodes], np.int32)


def mode_rows(products: Products) -> dict[str, np.ndarray]:
    """Row indices of the products that can be answered in each mode."""
    return {
        "combined": np.flatnonzero(products.has_text & products.has_image),
        "text": np.flatnonzero(products.has_text),
        "image": np.flatnonzero(products.has_image),
    }


def mode_logits(logits: dict[str, np.ndarray], pool: Pool) -> dict[str, np.ndarray]:
    """Logits of each mode from those of the towers, all (n, K)."""
    return {"combined": pool.logits(logits["text"], logits["image"]), **logits}


@dataclasses.dataclass(frozen=True)
class Scored:
    """A split with the logits of its products.

    Attributes:
        products: the split; label -1 (a category that training never saw) counts as a miss.
        logits: by tower, n rows of K.
    """

    products: Products
    logits: dict[str, Rows]


def fit_answers(
    calibration: Scored,
    held_out: Scored,
    pool: Pool,
    shelves: Shelves,
    confidence: float,
    scope: str,
) -> dict[str, dict]:
    """Fits temperature and thresholds of every mode.

    Args:
        calibration: the split that everything promised is proven on.
        held_out: the training split with cross-fitted logits; shapes floors, see `floors`.
        pool: of the towers.
        shelves: the categories and their tree.
        confidence: of each promise, in (0, 1).
        scope: `guarded` (the overall promise, above the categories' floors), `overall` (without
            floors) or `category` (each category proves the promise by itself).

    Returns:
        By mode: `temperature`, `confidence`, `scope`, `n` products it was fitted on and how many
        independent ones they are worth (`n_effective`); and by target, as "95" and "98":

        `correlation` of right and wrong among variants of one product, from `held_out`;
        `overall`, the threshold before the categories' floors and refutations;
        `by_category`, the one in force for each leaf, with the `n` products answered so;
        `levels`, pooled over the shelves at each depth, "1" at the top;
        `by_parent`, the one in force for each shelf, with the `n` products answered below it;
        `parent`, pooled over the direct parents of leaves.

        None abstains. The promise of a shelf is about all products whose summed probability
        passes there, those whose leaf is sure among them.
    """
    evidence = {
        name: _by_mode(split, pool)
        for name, split in (("calibration", calibration), ("held_out", held_out))
    }
    return {
        mode: _fit_mode(
            evidence["calibration"][mode], evidence["held_out"][mode], shelves, confidence, scope
        )
        for mode in MODALITIES
    }


def threshold_version(answers: dict[str, dict], pool: Pool) -> str:
    """12 hex digits that change whenever an answer could."""
    canonical = json.dumps([answers, pool.to_lists()], sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


@dataclasses.dataclass(frozen=True)
class _Evidence:
    """What the towers say of the products of one mode.

    Attributes:
        split: where they stand.
        rows: (n,) of the split.
        groups: (n,) ints, equal for variants of one product.
        mode: asked.
        pool: of the towers.
    """

    split: Scored
    rows: np.ndarray
    groups: np.ndarray
    mode: str
    pool: Pool

    @property
    def labels(self) -> np.ndarray:
        return self.split.products.labels[self.rows]

    def logits(self, rows: np.ndarray) -> np.ndarray:
        """(m, K) of the split's products at `rows`."""
        towers = {name: logits[rows] for name, logits in self.split.logits.items()}
        return mode_logits(towers, self.pool)[self.mode]

    def temperature(self) -> float:
        """The one that fits best, 1.0 where there is nothing to fit on."""
        rows = evenly(self.rows[self.labels >= 0], TEMPERED_ON)
        return fit_temperature(self.logits(rows), self.split.products.labels[rows])


@dataclasses.dataclass(frozen=True)
class _Answered:
    """Answers of one mode at its temperature, leaf by leaf and rolled up to each level."""

    leaves: Trials
    levels: dict[int, Trials]
    parents: Trials

    @classmethod
    def of(cls, evidence: _Evidence, temperature: float, shelves: Shelves) -> "_Answered":
        shelf_of = np.array([shelves.shelves_at(level) for level in shelves.levels], object)
        scores, predicted, shelf_scores = _scores(evidence, temperature, shelf_of)
        leaf_of = np.array(shelves.categories, object)
        leaves = Trials(scores, leaf_of[predicted], predicted == evidence.labels, evidence.groups)
        named = shelf_of[:, predicted]
        right = (named == shelf_of[:, evidence.labels]) & (evidence.labels >= 0)

        def at(level: np.ndarray, rows: np.ndarray) -> Trials:
            place = (level[rows] - 1, rows)
            return Trials(shelf_scores[place], named[place], right[place], evidence.groups[rows])

        rows = np.arange(len(predicted))
        levels = {
            level: at(np.full(len(rows), level), rows[np.isin(predicted, np.flatnonzero(nodes))])
            for level, nodes in zip(shelves.levels, shelf_of, strict=True)
        }
        return cls(leaves, levels, at(np.array(shelves.parent_levels)[predicted], rows))


@dataclasses.dataclass(frozen=True)
class _Fit:
    """Thresholds of one mode at one target; see `fit_answers`."""

    correlation: float
    overall: float | None
    parent: float | None
    levels: dict[str, float | None]
    by_category: dict[str, float | None]
    by_parent: dict[str, float | None]


def _by_mode(split: Scored, pool: Pool) -> dict[str, _Evidence]:
    rows, groups = mode_rows(split.products), split.products.groups
    return {
        mode: _Evidence(split, rows[mode], groups[rows[mode]], mode, pool) for mode in MODALITIES
    }


def _fit_mode(
    calibration: _Evidence, held_out: _Evidence, shelves: Shelves, confidence: float, scope: str
) -> dict:
    temperature = calibration.temperature()
    answered = _Answered.of(calibration, temperature, shelves)
    shown = _Answered.of(held_out, temperature, shelves)
    fits = {
        target_key(target): _fit_target(answered, shown, shelves, target, confidence, scope)
        for target in TARGETS
    }
    fitted = _by_target({key: dataclasses.asdict(fit) for key, fit in fits.items()})
    for named, thresholds in (
        ("by_category", [answered.leaves]),
        ("by_parent", answered.levels.values()),
    ):
        n = Counter(name for trials in thresholds for name in trials.named)
        fitted[named] = {
            name: {**_in_order(entry), "n": n[name]} for name, entry in fitted[named].items()
        }
    sizes = sizes_by_correlation(calibration.groups, fits[target_key(TARGETS[0])].correlation)
    return {
        "temperature": temperature,
        "n": len(calibration.rows),
        "n_effective": float(sizes[-1]) if len(sizes) else 0.0,
        "confidence": confidence,
        "scope": scope,
        **fitted,
    }


def _fit_target(
    answered: _Answered,
    shown: _Answered,
    shelves: Shelves,
    target: float,
    confidence: float,
    scope: str,
) -> _Fit:
    asked = (target, confidence, "category" if scope == "category" else "overall")
    correlation = shown.leaves.correlation_near(target)
    floors: dict[str, float | None] = dict.fromkeys(shelves.categories, 0.0)
    if scope == "guarded":
        floors = category_floors(shown.leaves, shelves.categories, target, confidence, correlation)
    eligible = answered.leaves.rows(above_floors(answered.leaves, floors))
    leaves = fit_thresholds(eligible, shelves.categories, *asked, correlation)
    levels = {
        level: fit_thresholds(
            trials,
            sorted(set(filter(None, shelves.shelves_at(level)))),
            *asked,
            shown.levels[level].correlation_near(target),
        )
        for level, trials in answered.levels.items()
    }
    parents = fit_thresholds(answered.parents, [], *asked, shown.parents.correlation_near(target))
    return _Fit(
        correlation=correlation,
        overall=leaves.pooled,
        parent=parents.pooled,
        levels={str(level): fitted.pooled for level, fitted in levels.items()},
        by_category={
            leaf: _not_below(threshold, floors[leaf]) for leaf, threshold in leaves.in_force.items()
        },
        by_parent={
            node: threshold
            for fitted in levels.values()
            for node, threshold in fitted.in_force.items()
        },
    )


def _not_below(threshold: float | None, floor: float | None) -> float | None:
    return None if threshold is None or floor is None else max(threshold, floor)


def _in_order(thresholds: dict[str, float | None]) -> dict[str, float | None]:
    """What is decided at a target is decided at those below it too; `thresholds` by target, rising.

    Each target's is fitted and refuted by itself, so that a node could abstain at 95 % and not at
    98 %: there it abstains at both.
    """
    ordered, below = {}, 0.0
    for target, threshold in thresholds.items():
        below = None if threshold is None or below is None else max(threshold, below)
        ordered[target] = below
    return ordered


def _by_target(fits: dict[str, dict]) -> dict[str, dict]:
    """{target: {name: value}} as {name: {target: value}}; values by node as {node: {target: …}}."""

    def turned(values: dict[str, Any]) -> dict:
        first = next(iter(values.values()))
        if not isinstance(first, dict):
            return values
        return {name: turned({key: values[key][name] for key in values}) for name in first}

    return turned(fits)


def _scores(
    evidence: _Evidence, temperature: float, shelf_of: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores of answers, leaf by leaf and rolled up.

    Args:
        evidence: of n products.
        temperature: of the mode.
        shelf_of: (levels, K) id of each category's shelf at each level, None where it has none.

    Returns:
        (n,) score of the predicted leaf; (n,) its index; (levels, n) summed score of its shelf at
        each level, of no meaning where it has none.
    """
    n = len(evidence.rows)
    scores, predicted, shelf_scores = (
        np.zeros(n),
        np.zeros(n, np.int32),
        np.zeros((len(shelf_of), n)),
    )
    for places in chunks(np.arange(n)):
        probabilities = softmax(evidence.logits(evidence.rows[places]), temperature)
        predicted[places] = probabilities.argmax(axis=1)
        scores[places] = probabilities.max(axis=1)
        for level, nodes in enumerate(shelf_of):
            shelf_scores[level, places] = _rolled_up(probabilities, nodes, predicted[places])
    return scores, predicted, shelf_scores


def _rolled_up(
    probabilities: np.ndarray, nodes: Sequence[str | None], predicted: np.ndarray
) -> np.ndarray:
    """Summed probability of the predicted category's node: (n, K) → (n,); 0 where it has none."""
    index = node_index(nodes)
    sums = np.zeros((index.max(initial=-1) + 2, len(probabilities)), probabilities.dtype)
    np.add.at(sums, index[index >= 0], probabilities.T[index >= 0])
    return sums[index[predicted], np.arange(len(predicted))]
