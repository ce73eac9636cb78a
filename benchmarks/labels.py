"""How right is each way to consolidate workers' answers?

    python benchmarks/labels.py --crowd crowd --manifest fashion/labelled.manifest
    python benchmarks/labels.py --manifest fashion/labelled.manifest --replays 100 --kept rows.jsonl

`--crowd` is a folder with a folder for each set, which has answers.csv (task, worker, label) and
gold.csv (task, gold). Prints the accuracy of every method and of `auto` with and without 50 gold
tasks (mean of 100 draws, scored on the other tasks), and of partial pooling with a strength that
was chosen on the other sets. `--manifest` has workers' answers and gold; the model's scores are
from logistic regression on the words of titles, cross-fitted by title on the majority labels, and
cleanlab's CROWDLAB gets the same scores. Ties count in equal parts. `--replays` also sells the
answers of the manifest one by one (`label_replays.py`). `--kept` names a file that keeps each one;
a benchmark that was stopped continues from there.
"""

import argparse
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from cleanlab.multiannotator import get_label_quality_multiannotator
from label_replays import Store, replay_all, replay_table
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from shelfsort.labeling.answer_files import answer_rows, json_record, read_gold
from shelfsort.labeling.answers import Answers
from shelfsort.labeling.asking.text_model import CrossFittedRidge, text_features, text_folds
from shelfsort.labeling.choice import PEOPLE_ONLY, consolidate_by, correct
from shelfsort.labeling.manifest_answers import ManifestAnswers
from shelfsort.labeling.methods.fit import Fit
from shelfsort.labeling.methods.model_assisted import ModelAssisted
from shelfsort.labeling.methods.pooled import pooled
from shelfsort.products.manifest.label_attributes import find_label_attribute
from shelfsort.products.manifest.lines import file_lines

STRENGTHS = (1.0, 2.0, 4.0, 6.0, 10.0, 15.0, 20.0)
GOLD, DRAWS, FOLDS = 50, 100, 3


@dataclass(frozen=True)
class Crowd:
    """Answers with gold."""

    name: str
    answers: Answers
    gold: Mapping[str, str]

    def accuracy(self, fit: Fit) -> float:
        return float(correct(self.answers, fit, self.gold).mean())


def read_crowd(folder: Path) -> Crowd:
    rows = [row.answer for row in answer_rows(str(folder / "answers.csv"))]
    answers = Answers.of((row.task, row.worker, row.label) for row in rows)
    return Crowd(folder.name, answers, read_gold(str(folder / "gold.csv")))


def auto_with_gold(crowd: Crowd) -> tuple[float, float]:
    """Mean accuracy of `auto` with 50 gold tasks on the others, and of the best method there."""
    tasks = sorted(set(crowd.gold) & set(crowd.answers.tasks))
    fits = {name: method(crowd.answers) for name, method in PEOPLE_ONLY.items()}
    judged = {name: correct(crowd.answers, fit, crowd.gold) for name, fit in fits.items()}
    rng = np.random.default_rng(0)
    found, best = [], []
    saved = dict(PEOPLE_ONLY)
    try:
        # Every draw chooses among the same fits.
        PEOPLE_ONLY.update({name: lambda _, fit=fit: fit for name, fit in fits.items()})
        for _ in range(DRAWS):
            order = rng.permutation(len(tasks))
            known = {tasks[place]: crowd.gold[tasks[place]] for place in order[:GOLD]}
            chosen = consolidate_by("auto", crowd.answers, known).method
            rest = order[GOLD:]
            found.append(judged[chosen][rest].mean())
            best.append(max(each[rest].mean() for each in judged.values()))
    finally:
        PEOPLE_ONLY.update(saved)
    return float(np.mean(found)), float(np.mean(best))


def crowds_table(crowds: list[Crowd]) -> None:
    names = [*PEOPLE_ONLY, "auto"]
    print("| set | tasks | answers each |", " | ".join(names), "| auto, 50 gold (best there) |")
    by_strength = np.zeros((len(crowds), len(STRENGTHS)))
    for row, crowd in enumerate(crowds):
        figures = [crowd.accuracy(method(crowd.answers)) for method in PEOPLE_ONLY.values()]
        figures.append(crowd.accuracy(consolidate_by("auto", crowd.answers).fit))
        by_strength[row] = [crowd.accuracy(pooled(crowd.answers, each)) for each in STRENGTHS]
        each = len(crowd.answers) / len(crowd.answers.tasks)
        cells = " | ".join(f"{figure:.4f}" for figure in figures)
        auto, best = auto_with_gold(crowd)
        n = len(crowd.answers.tasks)
        print(f"| {crowd.name} | {n:,} | {each:.1f} | {cells} | {auto:.4f} ({best:.4f}) |")
    print("\nStrength of partial pooling, chosen on the other sets:")
    for row, crowd in enumerate(crowds):
        others = np.delete(by_strength, row, axis=0).mean(axis=0)
        chosen = int(others.argmax())
        best = max(
            crowd.accuracy(method(crowd.answers))
            for name, method in PEOPLE_ONLY.items()
            if name != "pooled"
        )
        figure = by_strength[row, chosen]
        print(f"{crowd.name}: {STRENGTHS[chosen]:g} gives {figure:.4f}, best other {best:.4f}")


def read_manifest(file: str) -> tuple[Crowd, list[str]]:
    """The crowd of a manifest, by product id, and the titles in the order of the tasks."""
    found = ManifestAnswers(find_label_attribute([file]), lambda label: label)
    titles = {}
    for line in file_lines(file):
        record = json_record(line)
        found.add(record)
        titles[str(record.fields["id"])] = str(record.fields.get("title", ""))
    answers = Answers.of((found.ids[a.task], a.worker, a.label) for a in found.answers)
    return Crowd("fashion", answers, read_gold(file)), [titles[task] for task in answers.tasks]


def title_scores(answers: Answers, titles: list[str]) -> np.ndarray:
    """(T, K) cross-fitted probabilities; products with one title are in one fold."""
    labels = PEOPLE_ONLY["majority"](answers).posteriors.argmax(axis=1)
    groups = np.unique([title.strip().lower() for title in titles], return_inverse=True)[1]
    scores = np.zeros(answers.shape)
    for train, test in GroupKFold(FOLDS).split(titles, labels, groups):
        words = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=2, dtype=np.float32)
        model = LogisticRegression(C=30, max_iter=60)
        model.fit(words.fit_transform([titles[row] for row in train]), labels[train])
        given = words.transform([titles[row] for row in test])
        scores[np.ix_(test, model.classes_)] = model.predict_proba(given)
    return scores


def crowdlab(answers: Answers, scores: np.ndarray) -> np.ndarray:
    """(T,) the consensus label of CROWDLAB."""
    table = np.full((len(answers.tasks), len(answers.workers)), np.nan)
    table[answers.task, answers.worker] = answers.label
    found = get_label_quality_multiannotator(table, scores + 1e-9, verbose=False)
    return found["label_quality"]["consensus_label"].to_numpy()


def manifest_table(file: str) -> None:
    crowd, titles = read_manifest(file)
    scores = title_scores(crowd.answers, titles)
    gold = np.array([crowd.answers.labels.index(crowd.gold[task]) for task in crowd.answers.tasks])
    print(f"\n{file}: {len(titles):,} products, {len(crowd.answers):,} answers")
    print(f"model alone: {(scores.argmax(axis=1) == gold).mean():.4f}")
    for name, method in {**PEOPLE_ONLY, "model_assisted": ModelAssisted(scores)}.items():
        start = time.process_time()
        figure = crowd.accuracy(method(crowd.answers))
        print(f"{name}: {figure:.4f} ({time.process_time() - start:.1f} s of CPU)")
    print(f"CROWDLAB: {(crowdlab(crowd.answers, scores) == gold).mean():.4f}", flush=True)


def answer_store(file: str) -> Store:
    """The answers of a manifest, the same number for each product."""
    crowd, titles = read_manifest(file)
    answers, n = crowd.answers, len(crowd.answers.tasks)
    ridge = CrossFittedRidge(text_features(titles), text_folds(titles))
    gold = np.array([answers.labels.index(crowd.gold[task]) for task in answers.tasks])
    worker, label = (each.reshape(n, -1) for each in (answers.worker, answers.label))
    return Store(answers.tasks, answers.workers, answers.labels, worker, label, gold, ridge)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--crowd", type=Path)
    parser.add_argument("--manifest")
    parser.add_argument("--replays", type=int, default=0)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--kept", type=Path)
    given = parser.parse_args()
    if given.crowd:
        folders = sorted(each.parent for each in given.crowd.glob("*/answers.csv"))
        crowds_table([read_crowd(folder) for folder in folders])
    if given.manifest:
        manifest_table(given.manifest)
    if given.manifest and given.replays:
        seeds = range(given.first_seed, given.first_seed + given.replays)
        replay_table(replay_all(answer_store(given.manifest), seeds, given.kept))


if __name__ == "__main__":
    main()
