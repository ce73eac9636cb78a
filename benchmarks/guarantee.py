"""How often is the guarantee broken when everything is fitted again on another sample of products?

Draws products by group from a labelled set, fits folds, pool, temperature, thresholds and the final
towers on them, and scores all other products of the set. A line of the table is one set, size of
the sample, modality, target and way of fitting thresholds:

- `ours`: as the Trainer does, on cross-fitted answers;
- `tenth`: a tenth of the sample is the split `calibration`;
- `bare`: as `ours`, without the marginal accuracy and the categories' floors;
- `walk`: cross-fitted answers, a walk from fixed shares of the products (0.2 and 0.5);
- `sgr`: cross-fitted answers, selection with guaranteed risk (Geifman & El-Yaniv 2017);
- `mapie`: cross-fitted answers, MAPIE's control of precision, where MAPIE is installed;
- `naive`: the lowest threshold at which the cross-fitted answers themselves reach the target.

    python benchmarks/guarantee.py WORK --plan PLAN.csv --set fashion=FOLDER
    python benchmarks/guarantee.py WORK --table

A line of the plan is `set,products,first draw,draws,ways`, where ways is `crossed` or `tenth`; the
set `made` is drawn from chance alone. What WORK holds is not fitted again. `missed` counts
draws whose accepted products are right in less than the target. `p` is the exact binomial chance of
so many where one in twenty may be missed; `!` marks lines where it is significant, Holm-corrected
over the lines of that way.
"""

import argparse
import csv
import dataclasses
import math
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from labelled_sets import LabelledSet, narrowed, read_set
from made_set import made_set
from refits import Answered, Draw, refit
from scipy.stats import binom
from thresholds import Sample, guaranteed_risk, naive

from shelfsort.contract.calibration import ModalityCalibration
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.stats.binomial import holm, proof_p_value, smallest_proof
from shelfsort.stats.design_effect import sizes_by_correlation
from shelfsort.training.calibration import Rules, calibrate
from shelfsort.training.label_space import LabelSpace
from shelfsort.training.settings import FitConfig, TrainingConfig
from shelfsort.training.steps import CompiledSteps

try:
    from mapie.risk_control import BinaryClassificationController
except ImportError:
    BinaryClassificationController = None

ALLOWED = 0.05
TARGETS = (0.95, 0.98)
MADE, FULL_WIDTH = "made", 1280


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of a plan: `draws` samples of `products` of a set, numbered from `first`."""

    whole: str
    products: int
    first: int
    draws: int
    way: str

    def paths(self, work: Path) -> Iterator[tuple[int, Path]]:
        """The seed and the file of each draw."""
        for seed in range(self.first, self.first + self.draws):
            yield seed, work / "draws" / self.whole / f"{self.products}-{self.way}-{seed}.npz"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What one way of fitting did on one draw, in one modality at one target.

    Attributes:
        coverage: share of the other products that are accepted.
        accuracy, gold: share of these whose label, and whose true category, is the prediction; 1.0
            where nothing is accepted.
        oracle: the largest share that a threshold could accept with `target` of it right.
    """

    coverage: float
    accuracy: float
    gold: float
    oracle: float

    @classmethod
    def of(cls, answered: Answered, accepted: np.ndarray, target: float) -> "Outcome":
        ranked = answered.right[np.argsort(-answered.scores, kind="stable")]
        ranks = np.arange(1, len(ranked) + 1)
        oracle = ranks[np.cumsum(ranked) >= target * ranks].max(initial=0) / len(ranked)
        accuracy, gold = (
            float(right[accepted].mean()) if accepted.any() else 1.0
            for right in (answered.right, answered.gold)
        )
        return cls(float(accepted.mean()), accuracy, gold, float(oracle))


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


def risk_control(sample: Sample, target: float) -> float | None:
    """MAPIE's default: Learn-then-Test (Angelopoulos et al. 2021) over a hundred thresholds."""
    controller = BinaryClassificationController(
        lambda scores: np.stack([1 - scores, scores], axis=1),
        risk="precision",
        target_level=target,
        confidence_level=1 - ALLOWED,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        controller.calibrate(sample.scores, sample.right.astype(int))
    best = controller.best_predict_param
    return None if best is None else float(best)


PEERS: dict[str, Callable[[Sample, float], float | None]] = {
    "walk": walk,
    "sgr": guaranteed_risk,
    "naive": naive,
    **({"mapie": risk_control} if BinaryClassificationController else {}),
}
Key = tuple[str, int, str, float, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path, help="folder for what is read, and for the draws")
    parser.add_argument("--plan", type=Path, help="CSV file of what to draw, see above")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--folds", type=int, default=FitConfig.folds)
    parser.add_argument("--width", type=int, help="numbers of an embedding; fits cost less")
    parser.add_argument("--table", action="store_true", help="print the table of all draws")
    arguments = parser.parse_args()
    config = TrainingConfig(fit=FitConfig(folds=arguments.folds))
    if arguments.plan:
        with arguments.plan.open() as stream:
            plan = [Line(a, int(n), int(k), int(m), way) for a, n, k, m, way in csv.reader(stream)]
        sets = Sets(arguments.work, dict(each.split("=", 1) for each in arguments.set))
        run(plan, sets, config, arguments.width)
    if arguments.table:
        print("\n".join(table(outcomes(arguments.work))))


@dataclasses.dataclass(frozen=True)
class Sets:
    """Labelled sets by name.

    Attributes:
        work: folder for what is read.
        folders: by name; `made` needs none.
    """

    work: Path
    folders: Mapping[str, str]

    def read(self, name: str, width: int | None) -> LabelledSet:
        """One set; its tree stays beside its draws."""
        kept = self.work / "draws" / name / "taxonomy.json"
        kept.parent.mkdir(parents=True, exist_ok=True)
        if name == MADE:
            return made_set(kept, width=width or FULL_WIDTH)
        folder = Path(self.folders[name])
        shutil.copyfile(folder / "taxonomy.json", kept)
        whole = read_set(folder, self.work / f"{name}.npz")
        return narrowed(whole, width) if width else whole


def run(plan: Sequence[Line], sets: Sets, config: TrainingConfig, width: int | None) -> None:
    """Draws what a plan says and the folder of draws does not hold."""
    wholes: dict[str, LabelledSet] = {}
    steps = None
    for line in plan:
        if line.whole not in wholes:
            wholes[line.whole] = sets.read(line.whole, width)
        whole = wholes[line.whole]
        steps = steps or CompiledSteps(config, whole.embeddings.shape[1])
        for seed, path in line.paths(sets.work):
            if not path.exists():
                fit = dataclasses.replace(config.fit, seed=seed)
                seeded = dataclasses.replace(config, fit=fit)
                draw = refit(whole, line.products, seeded, steps, apart=line.way == "tenth")
                draw.save(path)


def outcomes(work: Path) -> dict[Key, dict[int, Outcome]]:
    """By set, size, modality, target and way: the outcome of each draw, by seed."""
    found: dict[Key, dict[int, Outcome]] = {}
    for path in sorted((work / "draws").glob("*/*[0-9].npz")):
        taxonomy = Taxonomy.load(str(work / "draws" / path.parent.name / "taxonomy.json"))
        products, kind, seed = path.stem.split("-")
        for modality, target, way, outcome in judged(Draw.load(path, taxonomy), kind):
            key = (path.parent.name, int(products), modality, target, way)
            found.setdefault(key, {})[int(seed)] = outcome
    return found


def judged(draw: Draw, kind: str) -> Iterator[tuple[str, float, str, Outcome]]:
    """Modality, target, way and outcome of every way that a draw can be judged in."""
    ways = {"ours": _rules()}
    if kind == "tenth":
        ways = {"tenth": _rules()}
    else:
        ways["bare"] = dataclasses.replace(_rules(), scope="overall", marginal_accuracy=0.0)
    for way, rules in ways.items():
        found = calibrate(draw.held_out, draw.labels, rules, draw.apart)
        for modality, answered in draw.answers.items():
            calibration = found.calibration.of(modality)
            for target in TARGETS:
                accepted = _accepted(answered, calibration, target, draw.labels)
                yield modality, target, way, Outcome.of(answered, accepted, target)
                if way != "ours":
                    continue
                leaves = found.answers[modality].leaves
                correlation = calibration.at(target).correlation
                sample = Sample(leaves.scores, leaves.correct, leaves.groups, correlation)
                for peer, fit in PEERS.items():
                    cut = fit(sample, target)
                    accepted = answered.scores >= np.float32(np.inf if cut is None else cut)
                    yield modality, target, peer, Outcome.of(answered, accepted, target)


def table(found: dict[Key, dict[int, Outcome]]) -> list[str]:
    """A line for each set, size, modality, target and way of fitting."""
    chances = {}
    for key, by_seed in found.items():
        missed = sum(each.accuracy < key[3] for each in by_seed.values())
        chances[key] = missed, float(binom.sf(missed - 1, len(by_seed), ALLOWED))
    beyond: dict[Key, bool] = {}
    for way in {key[-1] for key in found}:
        keys = [key for key in found if key[-1] == way]
        beyond |= dict(zip(keys, holm([chances[key][1] for key in keys], ALLOWED), strict=True))
    lines = [
        f"{'set':>10} {'n':>5} {'modality':>8} {'target':>6} {'way':>5} {'draws':>5} {'some':>5} "
        f"{'coverage':>13} {'oracle':>6} {'right':>6} {'gold':>6} {'missed':>6} {'p':>6}"
    ]
    for key in sorted(found):
        each, (missed, p) = list(found[key].values()), chances[key]
        some = [one for one in each if one.coverage > 0]
        right, gold = (
            f"{np.mean([getattr(one, name) for one in some]):.3f}" if some else "-"
            for name in ("accuracy", "gold")
        )
        coverage = [one.coverage for one in each]
        spread = f"{np.std(coverage, ddof=1):.3f}" if len(each) > 1 else "-"
        name, n, modality, target, way = key
        lines.append(
            f"{name:>10} {n:>5} {modality:>8} {target:>6} {way:>5} {len(each):>5} {len(some):>5} "
            f"{np.mean(coverage):>6.3f} ±{spread:>5} {np.mean([one.oracle for one in each]):>6.3f} "
            f"{right:>6} {gold:>6} {missed:>6} {p:>6.3f}{' !' if beyond[key] else ''}"
        )
    return lines


def _accepted(
    answered: Answered, calibration: ModalityCalibration, target: float, labels: LabelSpace
) -> np.ndarray:
    own = [calibration.threshold(leaf, target) for leaf in labels.categories]
    needed = np.array([np.inf if each is None else each for each in own], np.float32)
    return answered.scores >= needed[answered.predicted]


def _rules() -> Rules:
    config = TrainingConfig().calibration
    return Rules(config.confidence, config.threshold_scope, config.marginal_accuracy, TARGETS)


if __name__ == "__main__":
    main()
