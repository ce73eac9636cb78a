"""Crowds that are drawn with a known truth."""

import numpy as np

from shelfsort.labeling.answers import Answers

LABELS = ("a", "b", "c")


def drawn_crowd(
    skills: list[float], tasks: int = 120, each: int = 5, seed: int = 0, labels=LABELS
) -> tuple[Answers, dict[str, str]]:
    """Answers of one-coin workers, and the truth by task."""
    rng = np.random.default_rng(seed)
    truth, triples = {}, []
    for task in range(tasks):
        name = f"t{task:04d}"
        truth[name] = str(rng.choice(labels))
        for worker in rng.choice(len(skills), each, replace=False):
            wrong = [label for label in labels if label != truth[name]]
            right = rng.random() < skills[worker]
            triples.append((name, f"w{worker}", truth[name] if right else str(rng.choice(wrong))))
    return Answers.of(triples), truth


def accuracy(answers: Answers, posteriors: np.ndarray, truth: dict[str, str]) -> float:
    """Share of tasks whose best label is the true one."""
    best = [answers.labels[place] for place in posteriors.argmax(axis=1)]
    return float(np.mean([truth[t] == label for t, label in zip(answers.tasks, best, strict=True)]))
