import numpy as np
import pytest

from shelfsort.labeling.answers import Answers
from shelfsort.labeling.choice import PEOPLE_ONLY
from shelfsort.labeling.methods.dawid_skene import dawid_skene
from shelfsort.labeling.methods.majority import majority
from shelfsort.labeling.methods.model_assisted import ModelAssisted
from shelfsort.labeling.methods.one_coin import one_coin
from shelfsort.labeling.methods.pooled import pooled
from shelfsort.labeling.methods.wawa import wawa
from tests.shelfsort.labeling.crowds import LABELS, accuracy, drawn_crowd

TWO_AGAINST_ONE = [
    ("1", "x", "a"),
    ("1", "y", "a"),
    ("1", "z", "b"),
    ("2", "x", "b"),
    ("2", "y", "b"),
    ("2", "z", "b"),
    ("3", "y", "a"),
    ("3", "z", "b"),
]
SKILLS = [0.95, 0.9, 0.85, 0.6, 0.4, 0.35]


def named(answers: Answers, posteriors: np.ndarray) -> dict:
    return {
        (task, label): posteriors[row, column]
        for row, task in enumerate(answers.tasks)
        for column, label in enumerate(answers.labels)
    }


def test_majority_gives_shares_and_judges_an_answer_by_the_others():
    answers = Answers.of(TWO_AGAINST_ONE)
    fit = majority(answers)
    np.testing.assert_allclose(fit.posteriors, [[2 / 3, 1 / 3], [0, 1], [0.5, 0.5]])
    np.testing.assert_allclose(fit.others, [0.5, 0.5, 0, 1, 1, 1, 0, 0])
    np.testing.assert_allclose(fit.skills, [5 / 6, 13 / 18, 11 / 18])


def test_wawa_weighs_votes_by_agreement_with_the_majority():
    # x agrees in 2 of 2 tasks; y in 2 and half a tie of 3; z in 1 and half a tie of 3.
    answers = Answers.of(TWO_AGAINST_ONE)
    fit = wawa(answers)
    np.testing.assert_allclose(fit.skills, [1, 2.5 / 3, 1.5 / 3])
    np.testing.assert_allclose(fit.posteriors[0], [(11 / 6) / (14 / 6), 0.5 / (14 / 6)])
    np.testing.assert_allclose(fit.posteriors[2], [0.625, 0.375])


def test_an_only_answer_has_nobody_to_judge_it():
    answers = Answers.of([("1", "x", "a"), ("2", "x", "b"), ("2", "y", "b")])
    for method in PEOPLE_ONLY.values():
        assert np.isnan(method(answers).others).tolist() == [True, False, False]


def test_one_coin_posteriors_obey_bayes_rule_with_the_fitted_skills():
    answers, _ = drawn_crowd(SKILLS)
    fit = one_coin(answers)
    prior = (fit.posteriors.sum(axis=0) + 1 / 3) / (len(answers.tasks) + 1)
    for row in (0, 17, 60):
        expected = prior.copy()
        for place in np.flatnonzero(answers.task == row):
            skill = fit.skills[answers.worker[place]]
            hit = np.arange(3) == answers.label[place]
            expected *= np.where(hit, skill, (1 - skill) / 2)
        np.testing.assert_allclose(fit.posteriors[row], expected / expected.sum(), atol=1e-5)


def test_one_coin_judges_an_answer_as_if_it_had_not_been_given():
    answers, _ = drawn_crowd(SKILLS, tasks=40)
    fit = one_coin(answers)
    prior = (fit.posteriors.sum(axis=0) + 1 / 3) / (len(answers.tasks) + 1)
    for place in (0, 33, 101):
        expected = prior.copy()
        for other in np.flatnonzero(answers.task == answers.task[place]):
            if other != place:
                skill = fit.skills[answers.worker[other]]
                hit = np.arange(3) == answers.label[other]
                expected *= np.where(hit, skill, (1 - skill) / 2)
        expected /= expected.sum()
        assert fit.others[place] == pytest.approx(expected[answers.label[place]], abs=1e-4)


def test_skills_are_found():
    answers, truth = drawn_crowd(SKILLS, tasks=600)
    fit = one_coin(answers)
    np.testing.assert_allclose(fit.skills, SKILLS, atol=0.06)
    assert accuracy(answers, fit.posteriors, truth) > accuracy(
        answers, majority(answers).posteriors, truth
    )


def test_a_confusion_matrix_uses_a_worker_who_swaps_two_labels():
    answers, truth = drawn_crowd([0.8, 0.8, 0.8, 0.8], tasks=300, each=4)
    swap = {"a": "b", "b": "a", "c": "c"}
    triples = [
        (answers.tasks[t], answers.workers[w], answers.labels[k])
        for t, w, k in zip(answers.task, answers.worker, answers.label, strict=True)
    ]
    swapped = Answers.of([*triples, *((task, "liar", swap[truth[task]]) for task in truth)])
    for method in (dawid_skene, pooled):
        assert accuracy(swapped, method(swapped).posteriors, truth) > 0.98
    assert accuracy(swapped, majority(swapped).posteriors, truth) < 0.95


def test_partial_pooling_is_no_worse_than_either_extreme_where_answers_are_few():
    found = {"one_coin": 0.0, "dawid_skene": 0.0, "pooled": 0.0}
    skills = list(np.random.default_rng(1).uniform(0.5, 0.95, 60))
    labels = tuple("abcdef")
    for seed in range(5):
        answers, truth = drawn_crowd(skills, 100, 4, seed, labels)
        for name in found:
            found[name] += accuracy(answers, PEOPLE_ONLY[name](answers).posteriors, truth) / 5
    assert found["pooled"] > found["dawid_skene"] + 0.02
    assert found["pooled"] > found["one_coin"] - 0.01


@pytest.mark.parametrize("name", PEOPLE_ONLY)
def test_names_and_order_do_not_matter(name):
    answers, _ = drawn_crowd(SKILLS, tasks=60)
    triples = [
        (answers.tasks[t], answers.workers[w], answers.labels[k])
        for t, w, k in zip(answers.task, answers.worker, answers.label, strict=True)
    ]
    fit = PEOPLE_ONLY[name](answers)
    again = Answers.of(triples[::-1])
    assert np.array_equal(PEOPLE_ONLY[name](again).posteriors, fit.posteriors)
    label = {"a": "z", "b": "q", "c": "k"}
    worker = {each: f"v{9 - int(each[1:])}" for each in answers.workers}
    renamed = Answers.of((f"n{9999 - int(t[1:])}", worker[w], label[k]) for t, w, k in triples)
    expected = named(answers, fit.posteriors)
    found = named(renamed, PEOPLE_ONLY[name](renamed).posteriors)
    for (task, each), posterior in expected.items():
        assert found[f"n{9999 - int(task[1:])}", label[each]] == pytest.approx(posterior, abs=1e-4)


@pytest.mark.parametrize("name", PEOPLE_ONLY)
def test_posteriors_are_probabilities_however_many_answers_a_task_has(name):
    triples = [("1", f"w{n}", "a" if n % 10 else "b") for n in range(3000)]
    fit = PEOPLE_ONLY[name](Answers.of([*triples, ("2", "w1", "b")]))
    np.testing.assert_allclose(fit.posteriors.sum(axis=1), 1)
    assert (fit.posteriors >= 0).all()
    assert fit.posteriors[0, 0] >= 0.9 - 1e-9


def model_scores(answers, truth, right=0.8, sure=0.9, seed=5):
    """Scores of a model that names the true label with probability `right`."""
    rng = np.random.default_rng(seed)
    scores = np.full(answers.shape, (1 - sure) / 2)
    for row, task in enumerate(answers.tasks):
        others = [label for label in LABELS if label != truth[task]]
        best = truth[task] if rng.random() < right else rng.choice(others)
        scores[row, LABELS.index(best)] = sure
    return scores


def test_a_good_model_adds_to_the_crowd_and_a_random_one_takes_nothing_away():
    answers, truth = drawn_crowd([0.7] * 8, tasks=500, each=3)
    alone = accuracy(answers, one_coin(answers).posteriors, truth)
    helped = ModelAssisted(model_scores(answers, truth, right=0.9))(answers)
    assert accuracy(answers, helped.posteriors, truth) > alone + 0.05
    random = ModelAssisted(model_scores(answers, truth, right=1 / 3))(answers)
    assert accuracy(answers, random.posteriors, truth) > alone - 0.02


def test_a_task_without_scores_is_judged_by_people():
    answers, truth = drawn_crowd(SKILLS, tasks=200)
    scores = model_scores(answers, truth)
    scores[3] = np.nan
    fit = ModelAssisted(scores)(answers)
    np.testing.assert_allclose(fit.posteriors.sum(axis=1), 1)
    votes = answers.votes()[3]
    assert votes[fit.posteriors[3].argmax()] >= 1
    with pytest.raises(ValueError, match="shape"):
        ModelAssisted(scores[1:])(answers)


def test_model_assisted_labels_are_as_right_as_crowdlabs():
    from cleanlab.multiannotator import get_label_quality_multiannotator

    answers, truth = drawn_crowd([0.75] * 10, tasks=300, each=3)
    scores = model_scores(answers, truth, right=0.85, sure=0.8)
    table = np.full((len(answers.tasks), len(answers.workers)), np.nan)
    table[answers.task, answers.worker] = answers.label
    found = get_label_quality_multiannotator(table, scores, verbose=False)
    crowdlab = found["label_quality"]["consensus_label"].to_numpy()
    ours = ModelAssisted(scores)(answers).posteriors.argmax(axis=1)
    gold = np.array([LABELS.index(truth[task]) for task in answers.tasks])
    assert (ours == gold).mean() > (crowdlab == gold).mean() - 0.02
    assert (crowdlab == gold).mean() > accuracy(answers, majority(answers).posteriors, truth)
