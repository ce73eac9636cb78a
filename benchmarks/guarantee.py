"""How often is the guarantee broken when everything is refitted on another sample of products?

Draws products by group from a labelled set, fits folds, pool, temperature, thresholds and the final
towers on them, and scores all other products of the set. A line of the table is one set, size of
the sample, modality, target and way of fitting thresholds:

- `ours`: as the Trainer does, on cross-fitted answers;
- `walk`: cross-fitted answers, a walk from fixed shares of the products (0.2 and 0.5);
- `sgr`: cross-fitted answers, selection with guaranteed risk (Geifman & El-Yaniv 2017);
- `naive`: the lowest threshold at which the cross-fitted answers themselves reach the target;
- `tenth`: a tenth of the sample is the split `calibration`, with `--tenth` (twice the time).

    python benchmarks/guarantee.py WORK --set fashion=FOLDER --products 300 800 --draws 40

Every draw is a line of WORK/draws.jsonl; what is there is not drawn again. `missed` counts draws
whose accepted products are right in less than the target. `p` is the exact binomial chance of so
many where one in twenty may be missed; `!` marks lines where it is significant, Holm-corrected.
"""

import argparse
import dataclasses
import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from labelled_sets import LabelledSet, draw_groups, read_set, sample_products
from scipy.stats import binom
from thresholds import Sample, guaranteed_risk, naive

from components.transform.settings import TransformConfig
from shelfsort.contract.calibration import ModalityCalibration
from shelfsort.contract.modalities import MODALITIES
from shelfsort.stats.binomial import holm, proof_p_value, smallest_proof
from shelfsort.stats.design_effect import sizes_by_correlation
from shelfsort.stats.temperature import softmax
from shelfsort.training.calibration import (
    Calibrated,
    Rules,
    calibrate,
)
from shelfsort.training.dataset import Products
from shelfsort.training.evidence import Predictions, Scored, modality_logits, modality_rows
from shelfsort.training.fitting import VocabularySizes, cross_fit, fit_all, tower_logits
from shelfsort.training.label_space import LabelSpace
from shelfsort.training.pooling import Pool
from shelfsort.training.settings import FitConfig, TrainingConfig

ALLOWED = 0.05
TARGETS = (0.95, 0.98)
DRAWS_FILE = "draws.jsonl"


@dataclasses.dataclass(frozen=True)
class Answered:
    """The other products of the set, as the final model answers them in one modality.

    Attributes:
        scores: (n,) of the predicted categories.
        predicted: (n,) their places among the categories.
        right, gold: (n,) bools, whether the prediction is the label, and the true category.
    """

    scores: np.ndarray
    predicted: np.ndarray
    right: np.ndarray
    gold: np.ndarray

    def outcome(self, accepted: np.ndarray, target: float) -> dict[str, float]:
        """Coverage, accuracy and what the best threshold would accept."""
        ranked = self.right[np.argsort(-self.scores, kind="stable")]
        ranks = np.arange(1, len(ranked) + 1)
        oracle = ranks[np.cumsum(ranked) >= target * ranks].max(initial=0) / len(ranked)
        return {
            "coverage": float(accepted.mean()),
            "accuracy": float(self.right[accepted].mean()) if accepted.any() else 1.0,
            "gold": float(self.gold[accepted].mean()) if accepted.any() else 1.0,
            "oracle": float(oracle),
        }


@dataclasses.dataclass(frozen=True)
class Fitted:
    """A fit on one sample."""

    found: Calibrated
    pool: Pool
    logits: dict[str, np.ndarray]


def walk(sample: Sample, target: float) -> float | None:
    """A fixed sequence from two starts, at a fifth and at half of the products (Wiens 2003)."""
    order = np.argsort(-sample.scores, kind="stable")
    ranked, n = sample.scores[order], len(order)
    sizes = sizes_by_correlation(sample.groups[order], sample.correlation)
    right = np.cumsum(sample.right[order]) / np.arange(1, n + 1) * sizes
    p_values = np.asarray(proof_p_value(right, sizes, target))
    starts = {math.ceil(0.2 * n): 0.2, math.ceil(0.5 * n): 0.8}
    if n < 1 or sizes[math.ceil(0.2 * n) - 1] < smallest_proof(target, 1 - 0.2 * ALLOWED):
        enough = np.flatnonzero(sizes >= smallest_proof(target, 1 - ALLOWED))
        if not len(enough):
            return None
        starts = {max(math.ceil(0.5 * n), int(enough[0]) + 1): 1.0}
    best, budget = 0, 0.0
    for rank in np.unique([*np.arange(min(starts), n + 1, max(1, round(0.01 * n))), *starts, n]):
        budget += ALLOWED * starts.get(int(rank), 0.0)
        passes = 0 < budget >= p_values[rank - 1]
        best, budget = (int(rank), budget) if passes else (best, 0.0)
    return float(ranked[best - 1]) if best else None


PEERS: dict[str, Callable[[Sample, float], float | None]] = {
    "walk": walk,
    "sgr": guaranteed_risk,
    "naive": naive,
}


def refit(
    whole: LabelledSet, n: int, seed: int, config: TrainingConfig, *, tenth: bool = False
) -> list[dict]:
    """One draw: a record for each modality, target and way.

    Args:
        whole: the set.
        n: products of the sample, about.
        seed: of the draw and of the fit.
        config: of the fit.
        tenth: whether a tenth of the sample serves as a split `calibration`, beside.
    """
    rng = np.random.default_rng(seed)
    drawn, rest = draw_groups(whole, n, rng)
    config = dataclasses.replace(config, fit=dataclasses.replace(config.fit, seed=seed))
    products, others, sizes, labels = sample_products(whole, drawn, rest, TransformConfig())
    gold = _places(whole.gold[rest], labels)
    fitted = _fit(products, others, sizes, labels, config)
    records = list(_records(fitted, others, gold, labels))
    if tenth:
        inside, apart = draw_groups(_part(whole, drawn), round(0.9 * len(drawn)), rng)
        train, both, sizes, labels = sample_products(
            whole, drawn[inside], np.concatenate([drawn[apart], rest]), TransformConfig()
        )
        gold = _places(whole.gold[rest], labels)
        records += _of_a_tenth(train, both, len(apart), sizes, labels, gold, config)
    return records


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path, help="folder for what is read, and for the draws")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--generated", type=int, default=0, help="products of a made catalogue")
    parser.add_argument("--products", type=int, nargs="+", default=[300, 800, 2000])
    parser.add_argument("--draws", type=int, default=40)
    parser.add_argument("--folds", type=int, default=FitConfig.folds)
    parser.add_argument("--tenth", action="store_true", help="also fit on a calibration tenth")
    arguments = parser.parse_args()
    kept = arguments.work / DRAWS_FILE
    arguments.work.mkdir(parents=True, exist_ok=True)
    config = TrainingConfig(fit=FitConfig(folds=arguments.folds))
    for name, folder in _sets(arguments):
        whole = read_set(folder, arguments.work / f"{name}.npz")
        for n in arguments.products:
            done = {row["seed"] for row in _rows(kept) if (row["set"], row["n"]) == (name, n)}
            for seed in range(arguments.draws):
                if seed in done or n >= 0.9 * len(whole):
                    continue
                records = refit(whole, n, seed, config, tenth=arguments.tenth)
                row = {"set": name, "n": n, "seed": seed, "records": records}
                with kept.open("a") as stream:
                    stream.write(json.dumps(row) + "\n")
    print("\n".join(table(list(_rows(kept)))))


def table(rows: Sequence[dict]) -> list[str]:
    """A line for each set, size, modality, target and way of fitting."""
    cells: dict[tuple, list[dict]] = {}
    for row in rows:
        for record in row["records"]:
            key = (row["set"], row["n"], record["modality"], record["target"], record["way"])
            cells.setdefault(key, []).append(record)
    chances = {}
    for key, found in cells.items():
        missed = sum(each["accuracy"] < each["target"] for each in found)
        chances[key] = missed, float(binom.sf(missed - 1, len(found), ALLOWED))
    beyond = dict(zip(chances, holm([p for _, p in chances.values()], ALLOWED), strict=True))
    lines = [
        f"{'set':>10} {'n':>5} {'modality':>8} {'target':>6} {'way':>5} {'draws':>5} "
        f"{'coverage':>8} {'oracle':>6} {'right':>6} {'gold':>6} {'missed':>6} {'p':>6}"
    ]
    for key in sorted(cells):
        found, (missed, p) = cells[key], chances[key]
        some = [each for each in found if each["coverage"] > 0]
        right, gold = (
            f"{np.mean([each[name] for each in some]):.3f}" if some else "-"
            for name in ("accuracy", "gold")
        )
        coverage, oracle = (
            np.mean([each[name] for each in found]) for name in ("coverage", "oracle")
        )
        name, n, modality, target, way = key
        lines.append(
            f"{name:>10} {n:>5} {modality:>8} {target:>6} {way:>5} {len(found):>5} "
            f"{coverage:>8.3f} {oracle:>6.3f} {right:>6} {gold:>6} {missed:>6} {p:>6.3f}"
            f"{' !' if beyond[key] else ''}"
        )
    return lines


def _fit(
    products: Products,
    others: Products,
    sizes: VocabularySizes,
    labels: LabelSpace,
    config: TrainingConfig,
) -> Fitted:
    trust = np.ones(len(products), np.float32)
    crossed = cross_fit(products, sizes, config, trust)
    towers = fit_all(products, sizes, config, trust)
    held_out = Scored(products, crossed.held_out, crossed.folds, crossed.pools)
    found = calibrate(held_out, labels, _rules(config))
    return Fitted(found, crossed.pool, _logits(tower_logits(towers, others), len(others)))


def _of_a_tenth(
    train: Products,
    both: Products,
    apart: int,
    sizes: VocabularySizes,
    labels: LabelSpace,
    gold: np.ndarray,
    config: TrainingConfig,
) -> Iterator[dict]:
    """As with a split `calibration`: the first `apart` of `both` are it, the rest are scored."""
    trust = np.ones(len(train), np.float32)
    crossed = cross_fit(train, sizes, config, trust)
    logits = _logits(tower_logits(fit_all(train, sizes, config, trust), both), len(both))
    calibration, others = (
        _rows_of(both, part) for part in (slice(None, apart), slice(apart, None))
    )
    proof = Scored.apart(
        calibration, {name: each[:apart] for name, each in logits.items()}, crossed.pool
    )
    held_out = Scored(train, crossed.held_out, crossed.folds, crossed.pools)
    found = calibrate(held_out, labels, _rules(config), proof)
    rest = {name: each[apart:] for name, each in logits.items()}
    for record in _records(Fitted(found, crossed.pool, rest), others, gold, labels):
        if record["way"] == "ours":
            yield record | {"way": "tenth"}


def _records(
    fitted: Fitted, others: Products, gold: np.ndarray, labels: LabelSpace
) -> Iterator[dict]:
    logits = modality_logits(fitted.logits, fitted.pool)
    rows = modality_rows(others)
    for modality in MODALITIES:
        calibration = fitted.found.calibration.of(modality)
        answers = fitted.found.answers[modality]
        own = rows[modality]
        if not len(own) or not len(answers.rows):
            continue
        probabilities = softmax(logits[modality][own], calibration.temperature)
        predicted = probabilities.argmax(axis=1)
        answered = Answered(
            probabilities.max(axis=1).astype(np.float32),
            predicted,
            predicted == others.labels[own],
            predicted == gold[own],
        )
        for target in TARGETS:
            for way, accepted in _ways(answered, answers, calibration, target, labels):
                yield {
                    "modality": modality,
                    "target": target,
                    "way": way,
                    **answered.outcome(accepted, target),
                }


def _ways(
    answered: Answered,
    answers: Predictions,
    calibration: ModalityCalibration,
    target: float,
    labels: LabelSpace,
) -> Iterator[tuple[str, np.ndarray]]:
    own = [calibration.threshold(leaf, target) for leaf in labels.categories]
    needed = np.array([np.inf if each is None else each for each in own], np.float32)
    yield "ours", answered.scores >= needed[answered.predicted]
    leaves = answers.leaves
    correlation = calibration.at(target).correlation
    sample = Sample(leaves.scores, leaves.correct, leaves.groups, correlation)
    for way, fit in PEERS.items():
        threshold = fit(sample, target)
        yield way, answered.scores >= np.float32(np.inf if threshold is None else threshold)


def _rules(config: TrainingConfig) -> Rules:
    return Rules(
        config.calibration.confidence,
        config.calibration.threshold_scope,
        config.calibration.marginal_accuracy,
        TARGETS,
    )


def _logits(by_tower: dict, n: int) -> dict[str, np.ndarray]:
    return {name: rows[np.arange(n)] for name, rows in by_tower.items()}


def _places(leaves: np.ndarray, labels: LabelSpace) -> np.ndarray:
    number = {name: place for place, name in enumerate(labels.categories)}
    return np.array([number.get(name, -1) for name in leaves])


def _part(whole: LabelledSet, rows: np.ndarray) -> LabelledSet:
    """Groups and labels of some rows; only for drawing from them."""
    return dataclasses.replace(whole, groups=whole.groups[rows], labels=whole.labels[rows])


def _rows_of(products: Products, rows: slice) -> Products:
    arrays = ("has_text", "has_image", "labels", "label_weights", "groups", "evidence", "features")
    return dataclasses.replace(
        products,
        product_ids=products.product_ids[rows],
        **{name: getattr(products, name)[rows] for name in arrays},
    )


def _sets(arguments: argparse.Namespace) -> Iterator[tuple[str, Path]]:
    for each in arguments.set:
        name, _, folder = each.partition("=")
        yield name, Path(folder)
    if arguments.generated:
        from demo.catalogue import make_catalogue

        folder = arguments.work / "generated"
        if not folder.exists():
            make_catalogue(folder, products=arguments.generated)
        yield "generated", folder


def _rows(path: Path) -> Iterator[dict]:
    if path.exists():
        yield from map(json.loads, path.read_text().splitlines())


if __name__ == "__main__":
    main()
