"""What training does about suspected label errors: keep them, trust them less, or leave them out.

Suspects come from the cross-fitted scores of the training split alone; `calibration` and `eval`
keep their labels, because changing those would flatter the guarantee and the evaluation.
"""

from collections.abc import Sequence

import numpy as np

from shelfsort.labeling.label_issues import Suspect, Trial, find_suspects, try_changed_labels
from shelfsort.stats.temperature import fit_temperature, softmax
from shelfsort.training.dataset import Products
from shelfsort.training.evidence import TEMPERED_ON
from shelfsort.training.pooling import Fusion
from shelfsort.training.rows import Rows, evenly
from shelfsort.training.settings import SuspectAction

# A label is judged by towers that saw at least this many other products of its category.
_SEEN_BEFORE = 3
# A category keeps at least this share of its products at full weight, however odd they look.
_KEPT = 0.5
# A trial of the search needs no more products for a share.
_TRIED_ON = 20_000


def find_label_errors(
    train: Products,
    held_out: dict[str, Rows],
    fusion: Fusion,
    folds: np.ndarray,
    categories: Sequence[str],
) -> list[Suspect]:
    """Suspected label errors of the training split, the most suspect first.

    Args:
        train: the training split.
        held_out: by tower, n rows of K cross-fitted logits.
        fusion: of the towers.
        folds: (n,) fold that held each product out.
        categories: K ids, in the order of the logits.
    """
    judged = _judged(train, folds)
    probabilities = HeldOutProbabilities(train, held_out, fusion)
    return find_suspects(
        train.product_ids[judged],
        train.labels[judged],
        lambda start, stop: probabilities[judged[start:stop]],
        categories,
    )


def try_search(
    train: Products,
    held_out: dict[str, Rows],
    fusion: Fusion,
    folds: np.ndarray,
    categories: Sequence[str],
) -> Trial:
    """How well the search finds labels that are changed on purpose; arguments as above."""
    judged = evenly(_judged(train, folds), _TRIED_ON)
    probabilities = HeldOutProbabilities(train, held_out, fusion)
    return try_changed_labels(
        train.labels[judged],
        lambda start, stop: probabilities[judged[start:stop]],
        categories,
    )


def _judged(train: Products, folds: np.ndarray) -> np.ndarray:
    """Rows of the products whose labels can be judged."""
    labelled = np.flatnonzero(train.has_leaf)
    seen = _seen_before(train.labels[labelled], folds[labelled]) >= _SEEN_BEFORE
    answered = (train.has_text | train.has_image)[labelled]
    return labelled[answered & seen]


class HeldOutProbabilities:
    """Rows of K probabilities, each product in the mode it would be answered in.

    Each mode has the temperature that fits its held-out scores. A product with neither words nor
    picture has the same probability everywhere.

    Args:
        train: the training split.
        held_out: by tower, n rows of K cross-fitted logits.
        fusion: of the towers.
    """

    def __init__(self, train: Products, held_out: dict[str, Rows], fusion: Fusion):
        self._held_out = held_out
        self._fusion = fusion
        self._members = {
            "combined": train.has_text & train.has_image,
            "text": train.has_text & ~train.has_image,
            "image": ~train.has_text & train.has_image,
        }
        self._temperatures = {mode: self._temperature(mode, train) for mode in self._members}

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """(m, K) float32 of the products at (m,) `rows`."""
        logits = self._logits(rows)
        shape = logits["combined"].shape
        result = np.full(shape, 1 / shape[1], np.float32)
        for mode, members in self._members.items():
            own = members[rows]
            result[own] = softmax(logits[mode][own], self._temperatures[mode])
        return result

    def _temperature(self, mode: str, train: Products) -> float:
        rows = evenly(np.flatnonzero(self._members[mode] & train.has_leaf), TEMPERED_ON)
        logits = self._logits(rows)[mode]
        return fit_temperature(logits, train.labels[rows], train.label_weights[rows])

    def _logits(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        return self._fusion.logits({name: v[rows] for name, v in self._held_out.items()})


def label_trust(train: Products, suspects: Sequence[Suspect], choice: SuspectAction) -> np.ndarray:
    """(n,) float32 factors of the products' weights, in [0, 1].

    Args:
        train: the training split.
        suspects: of it, the most suspect first.
        choice: `keep` trusts every label; `downweight` trusts a suspect's as far as its score;
            `drop` does not trust it. At least half of a category's products keep their weight.
    """
    trust = np.ones(len(train), np.float32)
    if choice == "keep" or not suspects:
        return trust
    wanted = {suspect.product_id for suspect in suspects}
    row_of = {id_: row for row, id_ in enumerate(train.product_ids) if id_ in wanted}
    left = np.floor((1 - _KEPT) * np.bincount(train.labels[train.has_leaf]))
    for suspect in suspects:
        row = row_of[suspect.product_id]
        label = train.labels[row]
        if left[label] >= 1:
            left[label] -= 1
            trust[row] = suspect.label_score if choice == "downweight" else 0.0
    return trust


def _seen_before(labels: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """(n,) products of the same label in other folds: what the scoring towers knew of it."""
    counts = np.zeros((folds.max(initial=0) + 1, labels.max(initial=0) + 1), np.int64)
    np.add.at(counts, (folds, labels), 1)
    return counts.sum(axis=0)[labels] - counts[folds, labels]
