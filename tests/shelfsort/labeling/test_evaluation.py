import math

import pytest

from shelfsort.labeling.consensus import paths_above
from shelfsort.labeling.evaluation import Share, between_jobs, job_cost, job_quality
from shelfsort.products.manifest.annotations import Annotation, Annotations


def answered(*labels, result=None, outcome=""):
    answers = tuple(Annotation(f"w{n}", label) for n, label in enumerate(labels))
    return Annotations(answers, result, outcome=outcome)


def quality(said, gold):
    return job_quality(said, gold, lambda label: label, paths_above, "cannot tell")


def job(consensus, right_of_consensus, right, products=100):
    """A job of three workers with these counts; the rest has the job's own result."""
    said, gold = {}, {}
    for n in range(products):
        name, agreed = f"p{n:03d}", n < consensus
        is_right = n < right_of_consensus if agreed else n < consensus + right - right_of_consensus
        truth, label = "T > right", "T > right" if is_right else "T > wrong"
        gold[name] = truth
        others = (label, "T > other") if agreed else ("T > other", "T > third")
        said[name] = answered(label, *others, result=label)
    return quality(said, gold)


@pytest.mark.parametrize(
    ("consensus", "right_of_consensus", "right"), [(26, 22, 42), (47, 41, 58), (35, 31, 60)]
)
def test_a_job_of_known_counts_gives_them_back(consensus, right_of_consensus, right):
    found = job(consensus, right_of_consensus, right)
    assert found.consensus == Share(consensus, 100)
    assert found.right_of_consensus == Share(right_of_consensus, consensus)
    assert found.right == Share(right, 100)
    low, high = found.consensus.interval
    assert low < consensus / 100 < high
    assert high - low > 0.17


def test_a_hundred_thousand_products_cost_what_is_asked_or_what_is_usable():
    # Three workers at $0.048, 60 % consensus: $14,400 asked, $24,000 for as many usable labels.
    found = job(60, 60, 60)
    cost = job_cost(found, price=0.048, fee=0.0, project=100_000)
    assert cost.project_asked == pytest.approx(14_400)
    assert cost.project_usable == pytest.approx(24_000)
    assert cost.spent == pytest.approx(14.4)
    assert cost.per_usable == pytest.approx(0.24)
    with_fee = job_cost(found, price=0.048, fee=0.08, project=100_000)
    assert with_fee.project_asked == pytest.approx(22_400)


def test_without_consensus_nothing_is_usable():
    found = quality({"p": answered("a", "b")}, {})
    cost = job_cost(found, 1.0, 0.0, 10)
    assert (cost.per_usable, cost.project_usable, cost.project_asked) == (None, None, 20)
    assert found.right.share is None


def test_cannot_tell_is_no_answer():
    found = quality({"p": answered("a", "cannot tell"), "q": answered("a", "a")}, {"p": "a"})
    assert (found.answers, found.consensus, found.right) == (3, Share(2, 2), Share(1, 1))
    assert found.agreement["raw"] == 1


def test_a_consolidated_label_counts_as_it_was_decided():
    said = {
        "p": answered("a", "a", "b", result="b", outcome="label"),
        "q": answered("T > a", "T > b", result="T", outcome="inner_label"),
    }
    found = quality(said, {"p": "b", "q": "T > a"})
    assert (found.consensus, found.right) == (Share(1, 2), Share(1, 2))


def test_consensus_is_of_the_answers_where_they_were_consolidated():
    said = {
        "p": answered("a", "b", result="b", outcome="label"),
        "q": answered("T > a", "T > a", result="T", outcome="inner_label"),
        "r": answered(result="a", outcome="label"),
    }
    found = quality(said, {"p": "b", "q": "T > a"})
    assert found.consensus == Share(2, 3)
    assert found.labels == {"p": "b", "q": "T", "r": "a"}
    assert (found.right, found.right_of_consensus) == (Share(1, 2), Share(0, 1))


def test_a_job_without_answers_has_no_agreement():
    found = quality({"p": Annotations((), "a")}, {"p": "a"})
    assert (found.right, found.consensus) == (Share(1, 1), Share(0, 0))
    assert all(math.isnan(figure) for figure in found.agreement.values())


def test_two_jobs_are_compared_on_what_both_label():
    one = quality({"p": answered("a"), "q": answered("b"), "r": answered("a")}, {})
    other = quality({"p": answered("a"), "q": answered("a"), "s": answered("b")}, {})
    alike, kappa = between_jobs(one, other)
    assert alike == Share(1, 2)
    assert kappa == pytest.approx(0)
    assert between_jobs(one, quality({"z": answered("a")}, {}))[0] == Share(0, 0)
