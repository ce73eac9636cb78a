"""How good are the answers of our towers, beside those of models that people would pick instead?

Each set is split by groups, four fifths to fit on and one fifth to score, once for each seed. Every
model gets the same features, temperature and thresholds from its answers about products that its
fits never saw, and the naive threshold beside them: the lowest at which these answers themselves
reach the target. Coverage is the accepted share of the unseen fifth; `right` is the share of the
accepted whose true category is the prediction. The check for unknown products is left out.

    python benchmarks/quality.py WORK --set fashion=FOLDER --encoder minilm
    python benchmarks/quality.py WORK --set clothing=FOLDER --models ours "image + LR" --seeds 1 2
    python benchmarks/quality.py WORK --set fashion=FOLDER --labels 10 "1000 drawn" --table

A set is a folder with `labelled.manifest` and `taxonomy.json`. Without a folder, as in `--set
made`, it is that of made_set.py, whose images are numbers and whose words no encoder reads. WORK
holds what was read and embedded, and `results.jsonl` with a line for each set, seed, number of
labels and model; what is there is not measured again. Our model is `ours`, with an encoder `ours,
encoder`. On sets with both words and images the same towers answer as `words alone` and `images
alone`. Bytes are those of what was fitted; CPU seconds those of all folds and the final fit.
"""

import argparse
import dataclasses
import functools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from labelled_sets import LabelledSet, draw_groups, read_set, sample_products
from made_set import made_set
from peers import PEERS, STACKED_ON, Answers, Parts, fit_stacking
from quality_figures import Unseen, figures, spread

from components.transform.settings import TransformConfig
from shelfsort.core.cost import Clock
from shelfsort.training.dataset import Products
from shelfsort.training.evidence import Scored, by_modality, modality_rows
from shelfsort.training.fitting import CrossFit, VocabularySizes, cross_fit, fit_all, tower_logits
from shelfsort.training.fold_terms import with_terms_of
from shelfsort.training.label_space import LabelSpace
from shelfsort.training.settings import TrainingConfig

SCORED = 1 / 5
ALL_LABELS = "all"
OURS, OURS_ENCODED = "ours", "ours, encoder"
ALONE = {"text": "words alone", "image": "images alone"}
STACKING = "stacking"
RESULTS = "results.jsonl"
MODELS = (OURS, OURS_ENCODED, *PEERS, STACKING)
COLUMNS = {
    "accuracy": "accuracy",
    "macro_f1": "macro F1",
    "parent_accuracy": "parent",
    "hierarchical_precision": "h. prec.",
    "hierarchical_recall": "h. recall",
    "ece": "ECE",
    "coverage_0.95": "cov. 95",
    "right_0.95": "right",
    "coverage_0.98": "cov. 98",
    "right_0.98": "right",
    "naive_coverage_0.98": "naive 98",
    "naive_right_0.98": "right",
    "cpu_seconds": "CPU s",
    "bytes": "bytes",
}


@dataclasses.dataclass(frozen=True)
class Case:
    """Which products of which set are learnt from.

    Attributes:
        name: of the set.
        labels: "10" for at most ten labels a leaf, "1000 drawn" for so many in all, drawn at
            random, or ALL_LABELS.
        seed: of the split, the choice of labels, and every fit.
    """

    name: str
    labels: str
    seed: int


@dataclasses.dataclass(frozen=True)
class Problem:
    """One set as it is split for one seed.

    Attributes:
        train, rest: products to fit on, and the unseen ones.
        sizes: of the vocabularies.
        labels: the K categories of `train`.
        unseen: what is known of the unseen products.
        config: of our fits.
        kept: file of a model's answers, by name.
    """

    train: Products
    rest: Products
    sizes: VocabularySizes
    labels: LabelSpace
    unseen: Unseen
    config: TrainingConfig
    kept: Path

    @classmethod
    def of(
        cls,
        whole: LabelledSet,
        drawn: np.ndarray,
        rest: np.ndarray,
        config: TrainingConfig,
        kept: Path,
    ) -> "Problem":
        """The products at (n,) rows `drawn` to fit on, and those at (m,) rows `rest` unseen."""
        train, others, sizes, labels = sample_products(whole, drawn, rest, TransformConfig())
        truth = np.where(whole.gold[rest] == "", whole.labels[rest], whole.gold[rest])
        unseen = Unseen(truth, whole.groups[rest])
        return cls(train, others, sizes, labels, unseen, config, kept)

    @property
    def folds(self) -> np.ndarray:
        """(n,) fold of each product of `train`, the same for every model."""
        return self.train.group_folds(self.config.fit.folds, self.config.fit.seed)

    @functools.cached_property
    def parts(self) -> Parts:
        """What peers read, of `train` and then of `rest`."""
        return Parts.of([self.train, self.rest], self.sizes)

    @functools.cached_property
    def parts_without(self) -> dict[int, Parts]:
        """By fold, what peers read of `train`: as our towers do, the other folds' terms alone."""
        return {
            int(fold): Parts.of(
                [with_terms_of(self.train, np.flatnonzero(self.folds != fold))], self.sizes
            )
            for fold in np.unique(self.folds)
        }


@dataclasses.dataclass(frozen=True)
class Fitted:
    """A model's answers.

    Attributes:
        held_out: (n, K) logits of the training products, by fits that never saw them.
        logits: (m, K) of the unseen products.
        cpu_seconds: of all fits.
        size: bytes of what was fitted last.
    """

    held_out: np.ndarray
    logits: np.ndarray
    cpu_seconds: float
    size: int

    def save(self, path: Path) -> None:
        """Writes them to a NumPy archive."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npz")
        np.savez_compressed(part, **dataclasses.asdict(self))
        part.rename(path)

    @classmethod
    def load(cls, path: Path) -> "Fitted":
        """Reads what `save` wrote."""
        with np.load(path) as kept:
            return cls(
                kept["held_out"], kept["logits"], float(kept["cpu_seconds"]), int(kept["size"])
            )


def problem(whole: LabelledSet, case: Case, config: TrainingConfig, work: Path) -> Problem:
    """Splits a set by groups.

    Args:
        whole: the set.
        case: what is learnt from.
        config: of our fits.
        work: folder of all answers.
    """
    rng = np.random.default_rng(case.seed)
    drawn, rest = draw_groups(whole, round((1 - SCORED) * len(whole)), rng)
    number, _, at_random = case.labels.partition(" ")
    if at_random:
        drawn = np.sort(rng.permutation(drawn)[: int(number)])
    elif case.labels != ALL_LABELS:
        drawn = a_few_of_each(whole.labels, rng.permutation(drawn), int(number))
    seeded = dataclasses.replace(config, fit=dataclasses.replace(config.fit, seed=case.seed))
    kept = work / "answers" / case.name / case.labels / f"{case.seed}"
    return Problem.of(whole, drawn, rest, seeded, kept)


def a_few_of_each(labels: np.ndarray, rows: np.ndarray, most: int) -> np.ndarray:
    """The first `most` of `rows` with each label, sorted."""
    order = np.argsort(labels[rows], kind="stable")
    named = labels[rows][order]
    first = np.searchsorted(named, named)
    return np.sort(rows[order][np.arange(len(rows)) - first < most])


def ours(split: Problem) -> dict[str, Fitted]:
    """Our towers: all that a product has, and each modality alone where there are two."""
    clock, train = Clock(), split.train
    trust = np.ones(len(train), np.float32)
    crossed = cross_fit(train, split.sizes, split.config, trust)
    towers = fit_all(train, split.sizes, split.config, trust)
    cpu, size = clock.lap().cpu_seconds, 4 * towers.count_params()
    logits = {
        name: each[np.arange(len(split.rest))]
        for name, each in tower_logits(towers, split.rest).items()
    }
    both = bool((train.has_text & train.has_image).any())
    whole = OURS_ENCODED if train.text_embedding_size else OURS
    ways: dict[str, Sequence[str]] = {whole: ("combined", "text", "image")}
    ways |= {name: (modality,) for modality, name in ALONE.items()} if both else {}
    return {
        name: Fitted(
            _held_out(train, crossed, modalities),
            _answered(split.rest, crossed, logits, modalities),
            cpu,
            size,
        )
        for name, modalities in ways.items()
    }


def peer(split: Problem, name: str) -> Fitted:
    """A peer, cross-fitted in our folds and fitted once on all."""
    n, fit, clock = len(split.train), PEERS[name].fit, Clock()
    classes, seed = len(split.labels.categories), split.config.fit.seed
    labels = np.concatenate([split.train.labels, split.rest.labels])
    held_out = np.zeros((n, classes), np.float32)
    for fold in np.unique(split.folds):
        inside, outside = (np.flatnonzero(rows) for rows in _sides(split.folds, fold))
        parts = split.parts_without[int(fold)]
        held_out[outside] = fit(parts, inside, labels, classes, seed).logits[outside]
    final: Answers = fit(split.parts, np.arange(n), labels, classes, seed)
    return Fitted(held_out, final.logits[n:], clock.lap().cpu_seconds, final.size)


def stacking(split: Problem, others: Sequence[Fitted]) -> Fitted:
    """A regression on the held-out answers of others, itself cross-fitted in the same folds."""
    n, clock = len(split.train), Clock()
    classes = len(split.labels.categories)
    answers = [np.concatenate([each.held_out, each.logits]) for each in others]
    labels = np.concatenate([split.train.labels, split.rest.labels])
    held_out = np.zeros((n, classes), np.float32)
    for fold in np.unique(split.folds):
        inside, outside = (np.flatnonzero(rows) for rows in _sides(split.folds, fold))
        held_out[outside] = fit_stacking(answers, labels, inside, classes).logits[outside]
    final = fit_stacking(answers, labels, np.arange(n), classes)
    cpu = clock.lap().cpu_seconds + sum(each.cpu_seconds for each in others)
    return Fitted(held_out, final.logits[n:], cpu, final.size + sum(e.size for e in others))


def answers_of(split: Problem, model: str) -> dict[str, Fitted]:
    """By name, what a model and its parts answer; {} where the set lacks what it reads."""
    if model == OURS_ENCODED:
        readable = split.train.has_text.any() and split.train.text_embedding_size
        found = ours(split) if readable else {}
        found.pop(ALONE["image"], None)
        return {(n if n == model else f"{n}, encoder"): each for n, each in found.items()}
    if model == OURS:
        return ours(split)
    if model == STACKING:
        paths = [split.kept / f"{name}.npz" for name in STACKED_ON]
        others = [Fitted.load(path) for path in paths if path.exists()]
        return {STACKING: stacking(split, others)} if len(others) > 1 else {}
    return {model: peer(split, model)} if PEERS[model].can_read(split.parts) else {}


def measure(
    whole: LabelledSet, case: Case, models: Sequence[str], work: Path, config: TrainingConfig
) -> Iterator[dict]:
    """The results of these models, each with its answers in WORK."""
    split = problem(whole, case, config, work)
    nothing = np.zeros((len(whole), 0), np.float32)
    unencoded = dataclasses.replace(whole, encoded=nothing, named={})
    for model in models:
        own_split = problem(unencoded, case, config, work) if model == OURS else split
        for own, fitted in answers_of(own_split, model).items():
            fitted.save(split.kept / f"{own}.npz")
            found = figures(
                fitted.held_out, fitted.logits, split.train, split.folds, split.unseen, split.labels
            )
            yield {
                "set": case.name,
                "labels": case.labels,
                "seed": case.seed,
                "model": own,
                "products": len(split.train),
                "unseen": len(split.rest),
                "categories": len(split.labels.categories),
                **found,
                "cpu_seconds": fitted.cpu_seconds,
                "bytes": fitted.size,
            }


def table(results: Sequence[dict]) -> list[str]:
    """A line for each set, number of labels and model: the mean over seeds ± their deviation."""
    lines = ["set labels products model seeds " + " | ".join(COLUMNS.values())]
    keys = dict.fromkeys((each["set"], each["labels"], each["model"]) for each in results)
    for key in sorted(keys, key=lambda key: (key[0], key[1] != ALL_LABELS, key[1].zfill(4))):
        own = [each for each in results if (each["set"], each["labels"], each["model"]) == key]
        cells = [_cell(column, [each[column] for each in own]) for column in COLUMNS]
        products = round(np.mean([each["products"] for each in own]))
        lines.append(f"{key[0]} {key[1]} {products} {key[2]} {len(own)} " + " | ".join(cells))
    return lines


def arguments_on_sets(about: str) -> argparse.ArgumentParser:
    """The arguments work, --set, --seeds and --table, which benchmarks on labelled sets share.

    Args:
        about: what the benchmark does.
    """
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("work", type=Path, help="folder for what is read, and for results")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--table", action="store_true", help="print the table of all results")
    return parser


def main() -> None:
    parser = arguments_on_sets(__doc__)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--labels", nargs="+", default=[ALL_LABELS], help="see above")
    parser.add_argument("--encoder", default="", help="of texts: minilm or e5_multilingual")
    arguments = parser.parse_args()
    for name, _, folder in (each.partition("=") for each in arguments.set):
        whole = _set(arguments.work, name, folder, arguments.encoder)
        for labels in arguments.labels:
            for seed in arguments.seeds:
                case = Case(name, labels, seed)
                run(whole, case, arguments.models, arguments.work, TrainingConfig())
    if arguments.table:
        print("\n".join(table(read_results(arguments.work / RESULTS))))


def _set(work: Path, name: str, folder: str, encoder: str) -> LabelledSet:
    if folder:
        return read_set(Path(folder), work / f"{name}.npz", encoder=encoder)
    work.mkdir(parents=True, exist_ok=True)
    return made_set(work / f"{name}.json", width=128)


def run(
    whole: LabelledSet, case: Case, models: Sequence[str], work: Path, config: TrainingConfig
) -> None:
    """Measures the models that the results lack, and appends a line for each."""
    done = {
        each["model"]
        for each in read_results(work / RESULTS)
        if Case(each["set"], each["labels"], each["seed"]) == case
    }
    missing = [each for each in models if each not in done]
    if not missing:
        return
    for result in measure(whole, case, missing, work, config):
        add_result(work / RESULTS, result)


def add_result(path: Path, result: dict) -> None:
    """Appends a line. Its end comes first, for a kill may have cut off the line before."""
    with path.open("a") as stream:
        stream.write("\n" + json.dumps(result))


def read_results(path: Path) -> list[dict]:
    """The lines of a file of results; a line that a kill cut off is left out."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def _cell(column: str, values: Sequence[float]) -> str:
    mean, deviation = spread(values)
    if column == "bytes":
        return f"{mean / 1e6:.1f} MB"
    return f"{mean:.1f}" if column == "cpu_seconds" else f"{mean:.3f} ± {deviation:.3f}"


def _sides(folds: np.ndarray, fold: int) -> tuple[np.ndarray, np.ndarray]:
    return folds != fold, folds == fold


def _held_out(train: Products, crossed: CrossFit, modalities: Sequence[str]) -> np.ndarray:
    scored = Scored(train, crossed.held_out, crossed.folds, crossed.fusions)
    evidence, rows = by_modality(scored), modality_rows(train)
    found = np.zeros((len(train), crossed.held_out["text"][np.arange(1)].shape[1]), np.float32)
    for modality in reversed(modalities):
        own = rows[modality]
        if len(own):
            found[own] = evidence[modality].logits(own)
    return found


def _answered(
    rest: Products, crossed: CrossFit, logits: dict[str, np.ndarray], modalities: Sequence[str]
) -> np.ndarray:
    found, rows = np.zeros_like(logits["text"]), modality_rows(rest)
    for modality in reversed(modalities):
        own = rows[modality]
        if len(own):
            towers = {name: each[own] for name, each in logits.items()}
            found[own] = crossed.fusion.logits_in(modality, towers)
    return found


if __name__ == "__main__":
    main()
