"""How much two pictures differ."""

import io

import numpy as np
import pytest
from PIL import Image

from shelfsort.catalog.duplicates.pixels import SIDE, differences, small


def drawn(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(40, 200, (1, SIDE, SIDE, 3), dtype=np.uint8)


def flat(value: int) -> np.ndarray:
    return np.full((1, SIDE, SIDE, 3), value, np.uint8)


def test_a_picture_differs_from_itself_and_a_lighter_copy_by_nothing():
    assert differences(drawn(0), drawn(0))[0] == pytest.approx(0, abs=1e-6)
    assert differences(drawn(0), drawn(0) + 50)[0] == pytest.approx(0, abs=1e-6)


def test_the_difference_is_one_minus_the_correlation():
    mixed = (drawn(0) * 0.75 + drawn(1) * 0.25).astype(np.uint8)
    correlation = np.corrcoef(drawn(0).ravel(), mixed.ravel())[0, 1]
    assert differences(drawn(0), mixed)[0] == pytest.approx(1 - correlation, abs=1e-5)


def test_a_negative_differs_by_one():
    assert differences(drawn(0), 255 - drawn(0))[0] == 1


@pytest.mark.parametrize(
    ("one", "other", "difference"),
    [(flat(255), flat(254), 0), (flat(255), flat(0), 1), (flat(255), drawn(0), 1)],
)
def test_a_picture_of_one_colour_equals_its_colour_only(one, other, difference):
    assert differences(one, other)[0] == difference


def test_a_picture_of_any_shape_becomes_a_square_on_white():
    out = io.BytesIO()
    Image.new("RGBA", (10, 300), (0, 0, 0, 0)).save(out, "PNG")
    assert small(out.getvalue()).shape == (SIDE, SIDE, 3)
    assert small(out.getvalue()).min() == 255
