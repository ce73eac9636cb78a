import numpy as np
import pytest

from shelfsort.labeling.asking.pac import threshold_cut, whole_set_cut


def probe(n, wrong_at):
    """Probabilities that fall from rank to rank, and which ranks (from 0) are wrong."""
    wrong = np.zeros(n, bool)
    wrong[list(wrong_at)] = True
    return np.linspace(0.99, 0.5, n), wrong


def test_the_cut_stops_before_the_error_that_the_whole_set_does_not_allow():
    # Clopper-Pearson at 95 %: 1 of 100 is at most .0466, 2 of 100 at most .0616.
    probability, wrong = probe(100, [10, 40, 60])
    cut = whole_set_cut(probability, wrong, error=0.05)
    assert (cut.least, cut.probe, cut.wrong) == (probability[39], 100, 1)
    assert cut.bound == pytest.approx(0.0466, abs=5e-5)


def test_the_model_labels_everything_where_few_of_its_labels_are_wrong():
    probability, wrong = probe(100, [90])
    assert whole_set_cut(probability, wrong, error=0.05).least == 0


def test_nothing_is_proven_by_a_small_probe_or_without_a_margin():
    probability, wrong = probe(50, [])
    assert whole_set_cut(probability, wrong, error=0.05).least > 1
    probability, wrong = probe(1000, [])
    assert whole_set_cut(probability, wrong, error=0.0).least > 1
    assert whole_set_cut(np.zeros(0), np.zeros(0, bool), error=0.5).least > 1


def test_equal_probabilities_stand_or_fall_together():
    probability, wrong = np.repeat([0.9, 0.6], 50), np.zeros(100, bool)
    wrong[[70, 90]] = True
    assert whole_set_cut(probability, wrong, error=0.05).least == 0.9


def test_the_whole_set_allows_more_than_the_kept_labels_alone():
    probability, wrong = probe(400, [100, 150, 200, 250, 300])
    whole, alone = whole_set_cut(probability, wrong, 0.02), threshold_cut(probability, wrong, 0.98)
    # 3 of 400 are at most .0193; of the kept labels alone, 1 of 236 proves .98.
    assert whole.wrong == 3
    assert whole.least == probability[249]
    assert alone.least > 1 or alone.least > whole.least


def test_too_many_errors_pass_in_at_most_one_of_twenty_draws():
    rng = np.random.default_rng(0)
    probability = rng.uniform(0.8, 1, 5000)
    wrong = rng.random(5000) > probability**0.5
    failed = 0
    for _ in range(400):
        drawn = rng.choice(5000, 300, replace=False)
        cut = whole_set_cut(probability[drawn], wrong[drawn], error=0.03)
        failed += wrong[probability >= cut.least].sum() > 0.03 * 5000
    assert 0 < failed <= 0.05 * 400
