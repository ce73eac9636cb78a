import dataclasses

import numpy as np
import pytest
import scipy.stats

from components.evaluator.comparison import Judged, Outcomes, compare, outcome


def outcomes(ids, labels, right, accepted, scores=None) -> Outcomes:
    right, accepted = (np.array(each, dtype=bool) for each in (right, accepted))
    scores = accepted.astype(float) if scores is None else np.asarray(scores, float)
    return Outcomes(list(ids), labels, right, accepted, np.arange(len(right)), scores)


NOTHING = outcomes([], [], [], [])


def judged(ids, labels, right, accepted, calibration=NOTHING) -> Judged:
    return Judged(outcomes(ids, labels, right, accepted), calibration)


def calibration(right: float, n: int = 400, label: str = "mugs") -> Outcomes:
    """Of which the lowest scores are wrong; scores fall from 1 to 0."""
    rights, scores = np.arange(n) < right * n, np.linspace(1, 0, n)
    return outcomes([f"c{index}" for index in range(n)], [label] * n, rights, rights, scores)


def p_worse(only_candidate: int, only_live: int, groups=None) -> float:
    """Of products that are no variants of one another, where no groups are given."""
    live = np.repeat([False, True], [only_candidate, only_live])
    return outcome(~live, live, np.arange(len(live)) if groups is None else groups).p_worse


CANDIDATE = judged("abcd", ["mugs", "mugs", "lids", "sofas"], [1, 0, 1, 1], [1, 1, 0, 0])
LIVE = judged("dcba", ["sofas", "lids", "mugs", "mugs"], [0, 1, 1, 1], [0, 1, 1, 1])


@pytest.mark.parametrize(("only_candidate", "only_live"), [(0, 1), (3, 9), (20, 4), (0, 12)])
def test_without_variants_it_is_mcnemars_exact_test(only_candidate, only_live):
    test = scipy.stats.binomtest(only_live, only_candidate + only_live, alternative="greater")
    assert p_worse(only_candidate, only_live) == pytest.approx(test.pvalue)


def test_models_that_never_differ_show_nothing():
    assert p_worse(0, 0) == 1.0


def test_five_losses_and_no_win_have_a_chance_of_one_in_32():
    assert p_worse(0, 5) == pytest.approx(1 / 32)


def test_a_title_lost_with_all_its_variants_is_one_loss():
    assert p_worse(0, 12, groups=np.zeros(12)) == pytest.approx(1 / 2)
    assert p_worse(0, 10, groups=np.repeat(np.arange(5), 2)) == pytest.approx(1 / 32)


def test_products_are_matched_by_id_not_by_order():
    found = compare(CANDIDATE, LIVE, "4")
    assert (found.accuracy.only_candidate, found.accuracy.only_live) == (1, 1)  # d and b
    assert (found.accuracy.candidate, found.accuracy.live) == (0.75, 0.75)
    assert (found.coverage.only_candidate, found.coverage.only_live) == (0, 1)  # c
    assert found.by_category["mugs"].only_live == 1
    assert (found.shared_categories, found.left_out) == (None, 0)


def test_products_of_categories_unknown_to_the_live_model_are_left_out():
    found = compare(CANDIDATE, LIVE, "4", live_categories=["mugs", "lids"])
    assert (found.shared_categories, found.left_out, found.accuracy.n) == (2, 1, 3)
    assert sorted(found.by_category) == ["lids", "mugs"]


def test_different_products_are_refused():
    with pytest.raises(ValueError, match="same products"):
        compare(CANDIDATE, judged("abce", ["mugs"] * 4, [1] * 4, [1] * 4))


def test_no_products_are_written_as_null():
    nothing = np.zeros(0, dtype=bool)
    assert outcome(nothing, nothing, nothing).candidate is None
    found = compare(CANDIDATE, LIVE, live_categories=[])
    assert found.accuracy.candidate is None
    assert found.coverage.low is None


def model(right: float, accepted: int, **more) -> Judged:
    """With 100 eval products, which score as the best calibration products do."""
    ids = [f"e{index}" for index in range(100)]
    held_out = outcomes(ids, ["mugs"] * 100, [1] * 100, [1] * accepted + [0] * (100 - accepted))
    held_out = dataclasses.replace(held_out, scores=np.linspace(1, 0, 100))
    return Judged(held_out, calibration(right, **more))


def test_a_model_against_itself_decides_as_much_in_every_redraw():
    coverage = compare(model(0.9, 90), model(0.9, 90)).coverage
    assert (coverage.low, coverage.high) == (0.0, 0.0)


def test_a_live_model_with_lucky_thresholds_is_as_good_as_its_equal_in_redraws():
    coverage = compare(model(0.9, 60), model(0.9, 95)).coverage
    assert coverage.candidate - coverage.live == pytest.approx(-0.35)
    assert (coverage.low, coverage.high) == (0.0, 0.0)


def test_a_model_that_is_surer_of_its_errors_decides_less_in_every_redraw():
    # Errors make up the lowest 40 % and 10 %: the thresholds lie near these.
    coverage = compare(model(0.6, 60), model(0.9, 90)).coverage
    assert -0.4 < coverage.low <= coverage.high < -0.2


def test_without_calibration_products_of_both_models_nothing_is_redrawn():
    for models in ((model(0.9, 90, n=0), model(0.9, 90)), (model(0.9, 90), model(0.9, 90, n=0))):
        coverage = compare(*models).coverage
        assert (coverage.low, coverage.high) == (None, None)


def test_calibration_products_of_categories_unknown_to_the_live_model_are_not_redrawn():
    live, strange = model(0.9, 90), calibration(0.0, label="lamps")
    mixed = Outcomes(
        *(
            np.concatenate([getattr(each, field.name) for each in (live.calibration, strange)])
            for field in dataclasses.fields(Outcomes)
        )
    )
    found = compare(model(0.9, 90), dataclasses.replace(live, calibration=mixed), "4", ["mugs"])
    assert (found.coverage.low, found.coverage.high) == (0.0, 0.0)
