"""Are suspected label errors errors, and what does training gain by trusting them less?

Refits the towers of a finished run from its examples and its picture embeddings, with
the labels as they are and with a share of the training labels moved to a sibling category. Prints
precision and recall of the suspects against the manifest's `gold`, for each of cleanlab's ways to
pick them, and for each `training.label_issues.action` the accuracy against `gold` on the products
of `calibration` and `eval` together. Figures are means over the seeds.

    python benchmarks/label_errors.py --output out --manifest labelled.manifest
"""

import argparse
import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import tensorflow_transform as tft
from cleanlab.filter import find_label_issues

from components.trainer.reading import vocabulary_sizes
from components.transform.artifact import CATEGORIES_VOCABULARY
from pipeline.output_folder import OutputFolder
from shelfsort.contract.modalities import MODALITIES
from shelfsort.labeling.label_issues import Suspect
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.training.backbones import embedding_key, load_backbone
from shelfsort.training.dataset import Products, read_products, trimmed
from shelfsort.training.embedding import embed_new_pictures
from shelfsort.training.embedding_cache import EmbeddingCache
from shelfsort.training.evidence import modality_rows
from shelfsort.training.fitting import CrossFit, VocabularySizes, cross_fit, fit_all, tower_logits
from shelfsort.training.label_noise import HeldOutProbabilities, find_label_errors, label_trust
from shelfsort.training.label_space import LabelSpace
from shelfsort.training.settings import TrainingConfig

PICKERS = ("low_self_confidence", "low_normalized_margin", "confident_learning", "both")
CHOICES = ("keep", "downweight", "drop")


@dataclasses.dataclass(frozen=True)
class Problem:
    """A finished run's products and what is known of them.

    Attributes:
        train, unseen: products to fit on, and those of the two other splits.
        train_gold, unseen_gold: (n,) true category ids, -1 where it is not known.
        sizes: of the vocabularies.
        labels: the K categories and their tree.
    """

    train: Products
    unseen: Products
    train_gold: np.ndarray
    unseen_gold: np.ndarray
    sizes: VocabularySizes
    labels: LabelSpace


def load(output: Path, manifest: Path, config: TrainingConfig) -> Problem:
    """Reads the latest artifacts of `shelfsort run --output`; pictures it never embedded cost time.

    The towers have the settings of `config`, not those of the run.
    """
    transform = tft.TFTransformOutput(str(_latest(output, "Transform/transform_graph")))
    taxonomy = Taxonomy.load(_latest(output, "ManifestExampleGen/taxonomy") / "taxonomy.json")
    categories = [c.decode() for c in transform.vocabulary_by_name(CATEGORIES_VOCABULARY)]
    labels = LabelSpace(categories, taxonomy)
    examples = _latest(output, "ManifestExampleGen/examples")
    backbone = load_backbone(config.image.backbone)
    cache = EmbeddingCache(OutputFolder(output).embedding_cache, embedding_key(backbone))
    splits = []
    others = [path.name for path in examples.glob("Split-*") if path.name != "Split-train"]
    for names in (["Split-train"], others):
        files = [str(examples / name / "*") for name in names]
        embed_new_pictures(files, backbone, cache)
        splits.append(read_products(files, transform, cache, backbone.embedding_size))
    train, unseen = trimmed(*splits)
    gold = _gold(manifest, labels)
    return Problem(
        train=train,
        unseen=unseen,
        train_gold=np.array([gold.get(p, -1) for p in train.product_ids]),
        unseen_gold=np.array([gold.get(p, -1) for p in unseen.product_ids]),
        sizes=vocabulary_sizes(transform, labels),
        labels=labels,
    )


def with_moved_labels(problem: Problem, share: float, seed: int) -> Problem:
    """Moves `share` of the training labels to another category of the same shelf.

    Labels without a sibling stay, so a tree with many of those may have fewer to move.
    """
    rng = np.random.default_rng(seed)
    labels = problem.train.labels.copy()
    parents = np.array(problem.labels.parents)
    same_shelf = parents[:, None] == parents[None, :]
    np.fill_diagonal(same_shelf, False)
    movable = np.flatnonzero(same_shelf[labels].any(axis=1))
    for row in rng.permutation(movable)[: round(share * len(labels))]:
        labels[row] = rng.choice(np.flatnonzero(same_shelf[labels[row]]))
    return dataclasses.replace(problem, train=dataclasses.replace(problem.train, labels=labels))


def found(flagged: np.ndarray, wrong: np.ndarray) -> tuple[int, float, float]:
    """How many are flagged, and with which precision and recall; all (n,) bool."""
    right = int((flagged & wrong).sum())
    return int(flagged.sum()), right / max(1, flagged.sum()), right / max(1, wrong.sum())


def detection(problem: Problem, crossed: CrossFit) -> dict[str, tuple[int, float, float]]:
    """Figures of the suspects as Shelfsort picks them, and of each of cleanlab's ways."""
    train = problem.train
    known = problem.train_gold >= 0
    wrong = known & (train.labels != problem.train_gold)
    suspects = _suspects(problem, crossed)
    chosen = np.isin(train.product_ids, [suspect.product_id for suspect in suspects])
    results = {
        "suspects": found(chosen & known, wrong),
        "suspects, answers disagreed": found(chosen & known & (train.label_weights < 1), wrong),
    }
    probabilities = HeldOutProbabilities(train, crossed.held_out, crossed.fusion)[
        np.arange(len(train))
    ]
    for picker in PICKERS:
        flagged = find_label_issues(train.labels, probabilities, filter_by=picker, n_jobs=1)
        results[picker] = found(flagged & known, wrong)
    argmax = probabilities.argmax(axis=1) != train.labels
    return results | {"prediction is another": found(argmax & known, wrong)}


def accuracies(
    problem: Problem, config: TrainingConfig, first: CrossFit, choice: str
) -> dict[str, float]:
    """Accuracy against gold of each mode, after training with `choice`."""
    trust = label_trust(problem.train, _suspects(problem, first), choice)
    crossed = first
    if (trust < 1).any():
        crossed = cross_fit(problem.train, problem.sizes, config, trust)
    towers = fit_all(problem.train, problem.sizes, config, trust)
    gold, logits = problem.unseen_gold, tower_logits(towers, problem.unseen)
    results = {}
    for mode, rows in modality_rows(problem.unseen).items():
        known = rows[gold[rows] >= 0]
        answers = crossed.fusion.logits({name: v[known] for name, v in logits.items()})
        results[mode] = float((answers[mode].argmax(axis=1) == gold[known]).mean())
    return results


def measure(
    problem: Problem, config: TrainingConfig, share: float, seeds: Sequence[int]
) -> Iterator[tuple[dict, dict]]:
    """For each seed: figures of detection, and accuracies by choice."""
    for seed in seeds:
        noisy = with_moved_labels(problem, share, seed)
        seeded = dataclasses.replace(config, fit=dataclasses.replace(config.fit, seed=seed))
        first = cross_fit(noisy.train, noisy.sizes, seeded, np.ones(len(noisy.train), np.float32))
        yield (
            detection(noisy, first),
            {choice: accuracies(noisy, seeded, first, choice) for choice in CHOICES},
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True, help="folder of a finished run")
    parser.add_argument("--manifest", type=Path, required=True, help="what it ran on, with gold")
    parser.add_argument("--moved", type=float, nargs="+", default=[0.0, 0.05], help="label shares")
    parser.add_argument("--seeds", type=int, nargs="+", default=[7])
    arguments = parser.parse_args()
    config = TrainingConfig()
    problem = load(arguments.output, arguments.manifest, config)
    print(f"{len(problem.train)} training and {len(problem.unseen)} unseen products")
    for share in arguments.moved:
        wrong = with_moved_labels(problem, share, arguments.seeds[0]).train.labels
        noise = np.mean((wrong != problem.train_gold)[problem.train_gold >= 0])
        print(f"\n{share:.1%} of the labels moved: {noise:.2%} wrong", flush=True)
        _print(list(measure(problem, config, share, arguments.seeds)))


def _print(results: list[tuple[dict, dict]]) -> None:
    print(f"{'picked by':>28} {'flagged':>8} {'precision':>10} {'recall':>7}")
    for name in results[0][0]:
        flagged, precision, recall = np.mean([each[name] for each, _ in results], axis=0)
        print(f"{name:>28} {flagged:>8.0f} {precision:>10.3f} {recall:>7.3f}")
    print(f"{'accuracy against gold':>28} " + " ".join(f"{mode:>17}" for mode in MODALITIES))
    kept = {mode: np.mean([by["keep"][mode] for _, by in results]) for mode in MODALITIES}
    for choice in CHOICES:
        means = {mode: np.mean([by[choice][mode] for _, by in results]) for mode in MODALITIES}
        cells = [f"{means[m]:.4f} ({(means[m] - kept[m]) * 100:+.2f} pt)" for m in MODALITIES]
        print(f"{choice:>28} " + " ".join(f"{cell:>17}" for cell in cells), flush=True)


def _suspects(problem: Problem, crossed: CrossFit) -> list[Suspect]:
    return find_label_errors(
        problem.train, crossed.held_out, crossed.fusion, crossed.folds, problem.labels.categories
    )


def _latest(output: Path, name: str) -> Path:
    numbered = [path for path in (output / "pipeline" / name).iterdir() if path.name.isdigit()]
    return max(numbered, key=lambda path: int(path.name))


def _gold(manifest: Path, labels: LabelSpace) -> dict[str, int]:
    """Column of each product's true category, where it is known to the model."""
    column = {category: number for number, category in enumerate(labels.categories)}
    with manifest.open(encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines if line.strip()]
    leaves = {str(r["id"]): labels.taxonomy.resolve(r["gold"]) for r in records if r.get("gold")}
    return {product_id: column[leaf] for product_id, leaf in leaves.items() if leaf in column}


if __name__ == "__main__":
    main()
