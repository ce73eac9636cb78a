import io

import numpy as np
import pytest

from shelfsort.core.errors import InputError
from shelfsort.labeling.answers import Answers
from shelfsort.labeling.model_scores import given_scores, title_scores


def archive(path, **arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(buffer.getvalue())


def held_out(**changed):
    return {
        "product_ids": np.array(["p", "q"]),
        "categories": np.array(["a", "b"]),
        "has_text": np.array([True, True]),
        "has_image": np.array([True, False]),
        "text": np.log([[0.8, 0.2], [0.9, 0.1]]).astype(np.float32),
        "image": np.log([[0.2, 0.8], [0.1, 0.9]]).astype(np.float32),
        **changed,
    }


def test_the_newest_model_of_a_run_gives_scores_by_what_a_product_has(tmp_path):
    models = tmp_path / "pipeline" / "Trainer" / "model_run"
    archive(models / "9" / "held_out.npz", **held_out(product_ids=np.array(["x", "y"])))
    archive(models / "10" / "held_out.npz", **held_out())
    scores = given_scores(str(tmp_path))
    assert scores["p"] == pytest.approx({"a": 0.5, "b": 0.5})
    assert scores["q"] == pytest.approx({"a": 0.9, "b": 0.1})
    assert given_scores(str(models / "10" / "held_out.npz")) == scores


def test_a_text_encoder_counts_as_one_more_opinion_about_the_text(tmp_path):
    path = tmp_path / "held_out.npz"
    unsure = np.log([[0.5, 0.5], [0.5, 0.5]]).astype(np.float32)
    archive(path, **held_out(encoder=unsure))
    scores = given_scores(str(path))
    assert scores["p"] == pytest.approx({"a": 0.5, "b": 0.5})
    assert scores["q"] == pytest.approx({"a": 0.75, "b": 0.25})


def test_a_folder_or_archive_without_scores_is_refused(tmp_path):
    with pytest.raises(InputError, match="no held-out scores"):
        given_scores(str(tmp_path))
    path = tmp_path / "held_out.npz"
    archive(path, **held_out(text=np.zeros((2, 3), np.float32)))
    with pytest.raises(InputError, match=r"held_out\.npz: .*Give the held-out scores"):
        given_scores(str(path))
    path.write_bytes(b"PK")
    with pytest.raises(InputError, match=r"held_out\.npz: .*Give the held-out scores"):
        given_scores(str(path))


def test_titles_give_each_product_a_score_without_its_own_answer():
    kinds = ("mug", "hat")
    tasks = [f"t{n:02}" for n in range(40)]
    texts = [f"{kinds[n % 2]} of colour {n}" for n in range(40)]
    # The first worker answers all rightly, but for the first product.
    triples = [(task, "w", kinds[n % 2]) for n, task in enumerate(tasks)]
    triples[0] = ("t00", "w", "hat")
    scores = title_scores(tasks, texts, Answers.of(triples))
    best = [max(scores[task], key=scores[task].get) for task in tasks]
    assert best == [kinds[n % 2] for n in range(40)]
    assert sum(scores["t00"].values()) == pytest.approx(1)
