"""Spaces of images: their directions, and how far outside of others' spaces products lie."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from shelfsort.training.spaces import Space, outside_of_folds, outside_of_others


def far(features: np.ndarray, fitted_to: np.ndarray, directions: int) -> np.ndarray:
    """Squared distances by an independent analysis."""
    analysis = PCA(directions, svd_solver="full").fit(fitted_to)
    left = features - analysis.inverse_transform(analysis.transform(features))
    return (left**2).sum(axis=1)


def test_outside_is_what_a_principal_component_analysis_cannot_give_back():
    rng = np.random.default_rng(2)
    features = rng.normal(size=(500, 80)) * np.linspace(3, 0.1, 80)
    later = rng.normal(size=(50, 80))
    found = Space.of(features).outside(later)
    np.testing.assert_allclose(found, far(later, features, 64), rtol=1e-3)


@pytest.mark.parametrize(("n", "width"), [(90, 300), (300, 90)])
def test_products_are_measured_in_spaces_that_their_variants_had_no_part_in(n, width):
    rng, rows = np.random.default_rng(7), np.arange(n)
    features = rng.normal(size=(n, width)) * np.linspace(3, 0.1, width)
    groups = rng.integers(0, n // 2, n)
    found = outside_of_others(lambda r: features[r], groups, rows, rows)
    parts = np.unique(groups, return_inverse=True)[1] % max(10, 10_000 // n)
    for product in (0, n // 2):
        others = features[parts != parts[product]]
        own = features[product : product + 1]
        assert found[product] == pytest.approx(far(own, others, min(64, n // 2))[0], rel=1e-3)
    assert found.mean() > Space.of(features).outside(features).mean()


def test_where_each_fold_has_a_backbone_of_its_own_its_embeddings_are_measured_alone():
    rng, rows = np.random.default_rng(8), np.arange(120)
    tuned = {fold: rng.normal(size=(120, 100)) for fold in (0, 1, 2)}
    folds = rng.integers(0, 3, 120)
    found = outside_of_folds(lambda fold, some: tuned[fold][some], folds, rows, rows)
    for fold, own in tuned.items():
        inside = own[folds != fold]
        expected = far(own[folds == fold], inside, len(inside) // 2)
        np.testing.assert_allclose(found[folds == fold], expected, rtol=1e-3)


def test_a_space_of_equal_products_has_one_direction():
    space = Space.of(np.ones((5, 8), np.float32))
    assert space.basis.shape == (8, 1)
    assert np.abs(space.outside(np.ones((2, 8)))).max() == 0
    assert np.abs(Space.of(np.zeros((1, 8), np.float32)).outside(np.zeros((1, 8)))).max() == 0
