"""What the fits of the towers cost: all folds and the final one, and how right they are.

Makes a catalogue of titles, each of words of its category, of its category's neighbours and of any
category, and fits the towers of the pipeline on four fifths of it. Prints a line a seed: CPU
seconds and seconds of all folds and of the final fit, peak memory, and the accuracy on the rest.

    python benchmarks/fitting.py
    python benchmarks/fitting.py --products 3000 --categories 40 --folds 3

With `--output` and `--manifest` the products are those of a finished run, as in label_errors.py.
"""

import argparse
import dataclasses
import itertools
import resource
from collections import Counter
from pathlib import Path

import numpy as np

from shelfsort.core.cost import Clock
from shelfsort.training.dataset import ProductIds, Products, feature_type
from shelfsort.training.fitting import VocabularySizes, cross_fit, fit_all, tower_logits
from shelfsort.training.settings import TrainingConfig

_WORDS, _PIECES = 24, 128
_WORDS_A_CATEGORY, _COMMON_WORDS, _TITLE = 30, 4_000, (4, 11)
# Chance of a title's word to come from its category, and from the next one; else from any.
_OWN, _NEIGHBOUR = 0.25, 0.1


def generated(products: int, categories: int, seed: int) -> tuple[Products, VocabularySizes]:
    """A catalogue of titles without images."""
    rng = np.random.default_rng(seed)
    letters = np.array(list("abcdefghijklmnoprstuvwz"))
    words = ["".join(rng.choice(letters, rng.integers(3, 10))) for _ in range(_COMMON_WORDS)]
    own = rng.integers(0, _COMMON_WORDS, (categories, _WORDS_A_CATEGORY))
    labels = rng.integers(0, categories, products).astype(np.int32)
    terms: dict[str, list[list[str]]] = {"word": [], "piece": []}
    for label in labels:
        title = [words[_drawn(rng, own, label)] for _ in range(rng.integers(*_TITLE))]
        pairs = [" ".join(pair) for pair in itertools.pairwise(title)]
        terms["word"].append([*title, *pairs])
        terms["piece"].append([piece for word in title for piece in _pieces(f" {word} ")])
    features = np.zeros(products, feature_type(_WORDS, _PIECES, 8))
    sizes = {}
    for kind, most in (("word", _WORDS), ("piece", _PIECES)):
        sizes[kind] = _fill(features[f"{kind}_ids"], features[f"{kind}_weights"], terms[kind], most)
    made = Products(
        product_ids=ProductIds(np.array([f"{n}".encode() for n in range(products)])),
        features=features,
        word_terms=_WORDS,
        piece_terms=_PIECES,
        has_text=np.ones(products, bool),
        has_image=np.zeros(products, bool),
        labels=labels,
        label_weights=np.ones(products, np.float32),
        groups=np.arange(products),
        evidence=np.ones(products, bool),
    )
    return made, VocabularySizes(sizes["word"], sizes["piece"], 48, categories)


def _drawn(rng: np.random.Generator, own: np.ndarray, label: int) -> int:
    chance = rng.random()
    if chance < _OWN + _NEIGHBOUR:
        return int(rng.choice(own[label if chance < _OWN else (label + 1) % len(own)]))
    return int(rng.integers(_COMMON_WORDS))


def _pieces(word: str) -> list[str]:
    return [word[i : i + n] for n in (3, 4, 5) for i in range(len(word) - n + 1)]


def _fill(ids: np.ndarray, weights: np.ndarray, terms: list[list[str]], most: int) -> int:
    """Writes each title's terms with unit-length TF-IDF weights; returns the vocabulary's size."""
    documents = Counter(term for title in terms for term in set(title))
    kept = [term for term, count in documents.items() if count > 1]
    known = {term: place for place, term in enumerate(kept, 1)}
    for row, title in enumerate(terms):
        counts = Counter(term for term in title if term in known)
        scored = {t: c * (1 + np.log(len(terms) / documents[t])) for t, c in counts.items()}
        chosen = sorted(scored, key=lambda term: -scored[term])[:most]
        values = np.array([scored[term] for term in chosen])
        ids[row, : len(chosen)] = [known[term] for term in chosen]
        weights[row, : len(chosen)] = values / max(np.linalg.norm(values), 1e-9)
    return len(known)


def part(products: Products, rows: np.ndarray) -> Products:
    """The products at `rows`."""
    arrays = (
        "product_ids",
        "features",
        "has_text",
        "has_image",
        "labels",
        "label_weights",
        "evidence",
    )
    taken = {name: getattr(products, name)[rows] for name in (*arrays, "groups")}
    return dataclasses.replace(products, **taken)


def measure(
    train: Products, rest: Products, sizes: VocabularySizes, config: TrainingConfig
) -> list[str]:
    """One line's cells."""
    clock, trust = Clock(), np.ones(len(train), np.float32)
    cross_fit(train, sizes, config, trust)
    folds = clock.lap()
    towers = fit_all(train, sizes, config, trust)
    final = clock.lap()
    logits = tower_logits(towers, rest)
    cells = [f"{cost:.1f}" for each in (folds, final) for cost in (each.cpu_seconds, each.seconds)]
    cells.append(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}")
    for name, has in (("text", rest.has_text), ("image", rest.has_image)):
        rows = np.flatnonzero(has & (rest.labels >= 0))
        right = logits[name][rows].argmax(axis=1) == rest.labels[rows]
        cells.append(f"{right.mean():.4f}" if len(rows) else "-")
    return cells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--products", type=int, default=17_000)
    parser.add_argument("--categories", type=int, default=210)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seeds", type=int, nargs="+", default=[7])
    parser.add_argument("--output", type=Path, help="folder of a finished run, in place of titles")
    parser.add_argument("--manifest", type=Path, help="what that run ran on")
    arguments = parser.parse_args()
    names = ("seed", "folds CPU s", "s", "final CPU s", "s", "peak MB", "text", "image")
    print("".join(f"{name:>13}" for name in names))
    for seed in arguments.seeds:
        fit = dataclasses.replace(TrainingConfig().fit, folds=arguments.folds, seed=seed)
        config = dataclasses.replace(TrainingConfig(), fit=fit)
        if arguments.output:
            from label_errors import load

            problem = load(arguments.output, arguments.manifest, config)
            train, rest, sizes = problem.train, problem.unseen, problem.sizes
        else:
            made, sizes = generated(arguments.products, arguments.categories, seed)
            last = np.arange(len(made)) >= 0.8 * len(made)
            train, rest = (part(made, np.flatnonzero(rows)) for rows in (~last, last))
        cells = measure(train, rest, sizes, config)
        print("".join(f"{cell:>13}" for cell in (str(seed), *cells)), flush=True)


if __name__ == "__main__":
    main()
