"""How many known products does the check for unknown ones withhold, and how many unknown ones?

Draws products by group from a labelled set, without one department and a tenth of the leaves. Fits
folds, pool, final towers and the check on them, and scores all other products of the set: those of
known leaves, which should be withheld as often as stated, and those that were left out before
anything was fitted. Beside their detection rates stand the ones that the report would state.

    python benchmarks/unknown.py WORK --set fashion=FOLDER --products 300 1000 --draws 10

WORK holds what is read of a set. A set without departments has its leaves left out only.
"""

import argparse
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from labelled_sets import LabelledSet, draw_groups, read_set, sample_products

from components.transform.settings import TransformConfig
from shelfsort.contract.modalities import MODALITIES
from shelfsort.contract.unknown import Rates
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.training.evidence import Scored, modality_rows
from shelfsort.training.fitting import cross_fit, fit_all, tower_logits
from shelfsort.training.settings import FitConfig, TrainingConfig
from shelfsort.training.steps import CompiledSteps
from shelfsort.training.unknown import fit_unknown
from shelfsort.training.unknown_rates import unknown_rates

_LEAVES_OUT = 0.1
_FEWEST = 5
KNOWN, DEPARTMENT, LEAF = "known", "department", "leaf"

Shares = Mapping[str, Mapping[str, float]]
"""By modality and part."""


@dataclasses.dataclass(frozen=True)
class Draw:
    """One fit.

    Attributes:
        held_out: the sample, cross-fitted.
        later: all other products, answered by the final model.
        part: (n,) `KNOWN`, `DEPARTMENT` or `LEAF`: whether the leaf of a later product was learnt,
            and if not, what it was left out with.
        leaf: (n,) its leaf.
        rates: at which unknown products are noticed, as the report would state them.
    """

    held_out: Scored
    later: Scored
    part: np.ndarray
    leaf: np.ndarray
    rates: Rates


def refit(whole: LabelledSet, n: int, config: TrainingConfig, steps: CompiledSteps) -> Draw:
    """Fits folds, pool and final towers on about `n` products; the seed draws all."""
    rng = np.random.default_rng(config.fit.seed)
    part_of = _parts_left_out(whole, rng)
    inside = np.flatnonzero(~np.isin(whole.labels, list(part_of)))
    known = dataclasses.replace(whole, groups=whole.groups[inside])
    drawn = inside[draw_groups(known, n, rng)[0]]
    rest = np.flatnonzero(~np.isin(whole.groups, whole.groups[drawn]))
    train, others, sizes, labels = sample_products(whole, drawn, rest, TransformConfig())
    trust = np.ones(len(train), np.float32)
    crossed = cross_fit(train, sizes, config, trust, steps)
    held_out = Scored(
        train, _in_memory(crossed.held_out, len(train)), crossed.folds, crossed.fusions
    )
    towers = fit_all(train, sizes, config, trust, steps)
    logits = _in_memory(tower_logits(towers, others), len(others))
    true = np.where(whole.gold == "", whole.labels, whole.gold)[rest]
    learnt = set(labels.categories)
    part = np.array([KNOWN if leaf in learnt else part_of.get(leaf, "") for leaf in true])
    rates = unknown_rates(train, crossed, sizes, labels, config)
    return Draw(held_out, Scored.apart(others, logits, crossed.fusion), part, true, rates)


def _parts_left_out(whole: LabelledSet, rng: np.random.Generator) -> Mapping[str, str]:
    tree, leaves = Taxonomy.load(whole.taxonomy), sorted(set(whole.labels))
    tops = {leaf: (tree.ancestors(leaf) or [""])[0] for leaf in leaves}
    departments = sorted(set(tops.values()) - {""})
    gone = rng.choice(departments) if len(departments) > 1 else None
    left = [leaf for leaf in leaves if tops[leaf] != gone]
    few = rng.choice(left, max(1, round(_LEAVES_OUT * len(left))), replace=False)
    of_department = {leaf: DEPARTMENT for leaf in leaves if gone and tops[leaf] == gone}
    return of_department | {str(leaf): LEAF for leaf in few}


def withheld(draw: Draw, scores: Mapping[str, np.ndarray], alarms: float) -> Shares:
    """The shares withheld of later products; of leaves that were left out, the mean."""
    found: dict[str, dict[str, float]] = {}
    for modality, rows in modality_rows(draw.later.products).items():
        if not len(rows) or not len(modality_rows(draw.held_out.products)[modality]):
            continue
        over = scores[modality][rows] > 1 - alarms
        part, leaf = draw.part[rows], draw.leaf[rows]
        own = found[modality] = {}
        for name in (KNOWN, DEPARTMENT):
            if (part == name).sum() >= _FEWEST:
                own[name] = float(over[part == name].mean())
        rates = [
            over[leaf == each].mean()
            for each in set(leaf[part == LEAF])
            if (leaf == each).sum() >= _FEWEST
        ]
        if rates:
            own[LEAF] = float(np.mean(rates))
    return found


def stated(rates: Rates) -> Shares:
    """By modality, the means of the rates."""
    return {
        modality: {
            name: rate
            for name, rate in ((DEPARTMENT, own.of_departments), (LEAF, own.of_leaves))
            if rate is not None
        }
        for modality, own in rates.items()
    }


def line(name: str, n: int, modality: str, draws: Sequence[tuple[Shares, Shares]]) -> str:
    """Means over the draws, with the deviation of single draws."""
    cells = []
    for kind, part in ((0, KNOWN), (0, DEPARTMENT), (1, DEPARTMENT), (0, LEAF), (1, LEAF)):
        values = [
            each[kind][modality][part] for each in draws if part in each[kind].get(modality, {})
        ]
        cells.append(f"{np.mean(values):.3f} ±{np.std(values):.3f}" if values else "-")
    return f"{name:>9} {n:>5} {modality:>8} {len(draws):>5} " + " ".join(f"{c:>13}" for c in cells)


def _in_memory(logits: Mapping, n: int) -> dict[str, np.ndarray]:
    return {name: each[np.arange(n)] for name, each in logits.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path, help="folder for what is read")
    parser.add_argument("--set", action="append", required=True, metavar="NAME=FOLDER")
    parser.add_argument("--products", type=int, nargs="+", default=[300, 1000, 3000])
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--encoder", default="", help="embeds the titles; none by default")
    given = parser.parse_args()
    alarms = TrainingConfig().calibration.unknown_alarms
    print(
        f"{'set':>9} {'n':>5} {'modality':>8} {'draws':>5} {'known':>13} {'department':>13} "
        f"{'as stated':>13} {'leaves':>13} {'as stated':>13}"
    )
    for name, folder in (each.split("=", 1) for each in given.set):
        whole = read_set(Path(folder), given.work / f"{name}.npz", encoder=given.encoder)
        steps = CompiledSteps(TrainingConfig(), whole.embeddings.shape[1], whole.encoded.shape[1])
        for n in given.products:
            results = []
            for seed in range(given.draws):
                draw = refit(whole, n, TrainingConfig(fit=FitConfig(seed=seed)), steps)
                scores = fit_unknown(draw.held_out).check.scores(draw.later)
                results.append((withheld(draw, scores, alarms), stated(draw.rates)))
            for modality in MODALITIES:
                if any(modality in each[0] for each in results):
                    print(line(name, n, modality, results), flush=True)


if __name__ == "__main__":
    main()
