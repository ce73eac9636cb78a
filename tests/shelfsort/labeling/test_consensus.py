import pytest

from shelfsort.labeling.answers import Answer, is_unsure
from shelfsort.labeling.consensus import Verdict, consolidate_answers


def given(*rows):
    return [Answer(*row) for row in rows]


def task(name, *labels):
    return [Answer(name, f"w{n}", label) for n, label in enumerate(labels)]


def verdict(*labels, **settings):
    return consolidate_answers(task("t", *labels), "majority", **settings).verdicts["t"]


def test_a_majority_is_a_label():
    assert verdict("A > B", "A > B", "C") == Verdict("label", "A > B", pytest.approx(2 / 3), 3)


@pytest.mark.parametrize(
    ("labels", "outcome", "label", "confidence"),
    [
        (("A > B > X", "A > B > Y", "A > B > Z"), "inner_label", "A > B", 1.0),
        (("A > B > X", "A > B > Y", "A > C"), "inner_label", "A > B", 2 / 3),
        (("A > B", "A > C", "A > D", "E > F"), "inner_label", "A", 0.75),
        (("A > B", "C > D"), "no_consensus", None, 0.5),
        (("A > B", "A > C", "D > E", "D > F"), "no_consensus", None, 0.25),
        (("X", "Y", "Z"), "no_consensus", None, 1 / 3),
    ],
)
def test_where_leaves_disagree_the_deepest_sure_parent_is_the_label(
    labels, outcome, label, confidence
):
    found = verdict(*labels)
    assert (found.outcome, found.label) == (outcome, label)
    assert found.confidence == pytest.approx(confidence)


def test_a_higher_bar_moves_a_label_up():
    labels = ("A > B", "A > B", "A > C", "A > C", "A > B")
    assert verdict(*labels, min_confidence=0.6).label == "A > B"
    assert verdict(*labels, min_confidence=0.7).label == "A"


def test_cannot_tell_is_an_outcome_and_no_class():
    found = verdict("cannot tell", "Cannot_tell", "X")
    assert (found.outcome, found.label, found.unsure, found.answers) == ("cannot_tell", None, 2, 1)
    found = verdict("X", "X", "cannot tell")
    assert (found.outcome, found.confidence, found.unsure) == ("label", 1.0, 1)
    assert is_unsure(" CANNOT-TELL ")
    assert not is_unsure("cannot")


def test_a_task_that_nobody_can_tell_keeps_its_verdict():
    rows = [*task("1", "cannot tell", "cannot tell"), *task("2", "X", "X")]
    found = consolidate_answers(rows).verdicts
    assert found["1"] == Verdict("cannot_tell", None, 1.0, 0, 2)
    assert found["2"].label == "X"
    with pytest.raises(ValueError, match="no answers"):
        consolidate_answers(task("1", "cannot tell"))


def crowd(tasks=40):
    """Three careful workers, one who always says A, one who cannot tell every other time."""
    rows = []
    for n in range(tasks):
        truth = "ABCD"[n % 4]
        rows += [Answer(f"t{n:02d}", f"good{k}", truth, 4.0 + k) for k in range(3)]
        rows.append(Answer(f"t{n:02d}", "lazy", "A", 1.0))
        rows.append(Answer(f"t{n:02d}", "shy", truth if n % 2 else "cannot tell"))
    return rows


@pytest.mark.parametrize("method", ["majority", "wawa", "one_coin", "pooled", "mace"])
def test_the_report_suspects_the_worker_who_does_not_look(method):
    report = consolidate_answers(crowd(), method, gold={"t00": "A", "t01": "B"}).workers
    by_name = {worker.name: worker for worker in report}
    assert [worker.name for worker in report if worker.suspected] == ["lazy"]
    lazy, good, shy = by_name["lazy"], by_name["good1"], by_name["shy"]
    assert lazy.disagreement == 0.75
    assert lazy.skill < 0.3 < lazy.high < good.low < good.skill
    assert (lazy.gold_right, lazy.gold, lazy.seconds) == (1, 2, 1.0)
    assert (good.gold_right, good.seconds, good.answers, good.unsure) == (2, 5.0, 40, 0)
    assert (shy.answers, shy.unsure, shy.seconds, shy.disagreement) == (40, 20, None, 0)


def test_a_worker_without_company_has_no_skill_but_an_open_interval():
    rows = given(("1", "x", "a"), ("2", "y", "b"), ("3", "z", "cannot tell"))
    for worker in consolidate_answers(rows).workers:
        assert (worker.skill, worker.low, worker.high) == (None, 0.0, 1.0)
        assert not worker.suspected


def test_a_models_scores_decide_between_workers_who_disagree():
    rows = [row for n in range(30) for row in task(f"t{n:02d}", "X", "X")]
    rows += task("u", "X", "Y")
    scores = {f"t{n:02d}": {"X": 0.9, "Y": 0.1} for n in range(30)}
    found = consolidate_answers(rows, scores={**scores, "u": {"X": 0.05, "Y": 0.95}})
    assert found.choice.method == "model_assisted"
    assert found.verdicts["u"].label == "Y"
