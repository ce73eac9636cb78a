"""A model's held-out scores: from a file, from a run, or from titles."""

import io
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from shelfsort.core.errors import InputError
from shelfsort.core.storage import is_folder, join, list_files, read_bytes
from shelfsort.labeling.answer_files import read_scores
from shelfsort.labeling.answers import Answers
from shelfsort.labeling.asking.belief import refit
from shelfsort.labeling.asking.text_model import CrossFittedRidge, text_features, text_folds
from shelfsort.labeling.methods.fit import normalised
from shelfsort.products.tables.rows import reading

TITLES = "titles"
"""In place of a file: scores of a model that is fitted to the titles, each without its product."""
_HELD_OUT = "held_out.npz"
_OF_A_RUN = ("pipeline", "Trainer", "model_run")
_LARGEST = 1 << 30
_SEEN = {"text": "has_text", "image": "has_image", "encoder": "has_text"}
_KEPT = 20
"""Labels of a product whose scores are kept; the others have next to none."""

Scores = dict[str, dict[str, float]]


def given_scores(place: str) -> Scores:
    """Probabilities by product id and label, of a model that did not train on the product.

    Args:
        place: JSON Lines (`answer_files.read_scores`); the output folder of a run, whose newest
            model scored its training products by cross-fitting; or the `held_out.npz` of one.

    Raises:
        InputError: there are no scores, or they cannot be read.
    """
    file = scores_file(place)
    return _of_run(file) if file.endswith(".npz") else read_scores(file)


def scores_by_task(
    place: str, ids: Mapping[str, str], resolve: Callable[[str], str | None]
) -> Scores:
    """`given_scores` by task, of the tasks whose product has some; labels as answers name them.

    Args:
        place: as `given_scores` takes it.
        ids: product's id of each task.
        resolve: the name under which a label counts, None for one that is no leaf.

    Raises:
        InputError: as `given_scores` does.
    """
    of_ids = given_scores(place)
    return {task: _resolved(of_ids[id_], resolve) for task, id_ in ids.items() if id_ in of_ids}


def scores_file(place: str) -> str:
    """The file that `given_scores` reads; "" for none and for `TITLES`.

    Raises:
        InputError: the folder is not of a run that left scores.
    """
    if place in ("", TITLES):
        return ""
    if not is_folder(place):
        return place
    found = list_files(join(place, *_OF_A_RUN, "*", _HELD_OUT))
    if not found:
        raise InputError(f"{place}: no held-out scores. Give the output folder of a run.")
    return max(found, key=_number)


def title_scores(tasks: Sequence[str], texts: Sequence[str], answers: Answers) -> Scores:
    """Scores of a model of texts, fitted to the answers about the other products.

    Args:
        tasks: N products.
        texts: of each.
        answers: whose tasks are among the products.
    """
    row = {task: place for place, task in enumerate(tasks)}
    placed = Answers(
        tuple(tasks),
        answers.workers,
        answers.labels,
        np.array([row[task] for task in answers.tasks], np.int64)[answers.task],
        answers.worker,
        answers.label,
    )
    ridge = CrossFittedRidge(text_features(texts), text_folds(texts))
    return _kept(tasks, answers.labels, refit(placed, ridge).model)


def _of_run(file: str) -> Scores:
    with reading(file, "Give the held-out scores of a run, or train the model again."):
        with np.load(io.BytesIO(read_bytes(file, _LARGEST)), allow_pickle=False) as archive:
            found = {name: archive[name] for name in archive.files}
        ids = [str(each) for each in found["product_ids"]]
        labels = [str(each) for each in found["categories"]]
        logits = _joined(found)
        if logits.shape != (len(ids), len(labels)) or not np.isfinite(logits).all():
            raise ValueError(f"scores of shape {logits.shape} for {len(ids)} products")
        return _kept(ids, labels, normalised(logits))


def _joined(found: Mapping[str, np.ndarray]) -> np.ndarray:
    """(N, K) mean of the log-odds of the towers that see what a product has."""
    given = [name for name in _SEEN if name in found]
    has = np.stack([found[_SEEN[name]].astype(float) for name in given])
    logits = np.stack([found[name].astype(float) for name in given])
    total = (has[:, :, None] * logits).sum(axis=0)
    return np.asarray(total / np.maximum(has.sum(axis=0), 1)[:, None])


def _kept(ids: Sequence[str], labels: Sequence[str], probabilities: np.ndarray) -> Scores:
    most = min(_KEPT, len(labels))
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :most]
    values = np.take_along_axis(probabilities, order, axis=1)
    values = values / values.sum(axis=1, keepdims=True)
    return {
        id_: {labels[place]: float(value) for place, value in zip(places, row, strict=True)}
        for id_, places, row in zip(ids, order, values, strict=True)
    }


def _resolved(
    scores: Mapping[str, float], resolve: Callable[[str], str | None]
) -> dict[str, float]:
    """Scores by resolved label; those of labels that become one are added up."""
    total: dict[str, float] = defaultdict(float)
    for label, score in scores.items():
        total[resolve(label) or label] += score
    return dict(total)


def _number(file: str) -> int:
    name = file.replace("\\", "/").split("/")[-2]
    return int(name) if name.isdecimal() else -1
