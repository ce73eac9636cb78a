import numpy as np

from shelfsort.labeling.asking.text_model import CrossFittedRidge, text_features, text_folds

TITLES = [f"{colour} {kind}" for kind in ("mug", "cup", "plate") for colour in "abcdefghij"]


def test_features_have_length_one_and_the_same_words_give_the_same():
    features = text_features([*TITLES, "", TITLES[0].upper()], width=8)
    assert features.shape == (32, 8)
    np.testing.assert_allclose(np.linalg.norm(features[:30], axis=1), 1, rtol=1e-5)
    assert not features[30].any()
    np.testing.assert_allclose(features[31], features[0], atol=1e-6)


def test_products_without_words_have_empty_features():
    assert not text_features(["", " "]).any()
    assert text_features(["only one"]).shape[0] == 1


def test_equal_titles_are_in_one_fold():
    folds = text_folds(["A mug", "a  MUG", "b", "c", "d", "e"], folds=2)
    assert folds[0] == folds[1]
    assert set(folds) == {0, 1}


def test_held_out_logits_are_those_of_a_fit_without_the_fold():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(40, 5)).astype(np.float32)
    folds, rows = np.arange(40) % 4, np.arange(30)
    targets = rng.random((30, 3)).astype(np.float32)
    logits = CrossFittedRidge(features, folds).logits(rows, targets)
    rest = rows[folds[rows] != 1]
    alone = CrossFittedRidge(features, folds).logits(rest, targets[rest])
    np.testing.assert_allclose(logits[folds == 1][:7], alone[folds == 1][:7], rtol=1e-3)
    assert np.abs(logits[:30] - alone[:30]).max() > 0.1
