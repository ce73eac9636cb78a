"""Photographs: every shelf can be drawn in every pose, and the product is in the picture."""

from random import Random

import numpy as np
import pytest

from demo.pictures import SIZE, Shot, easy_shot, encode, photograph, poor_shot
from demo.shelves import SHELVES
from demo.silhouettes import DRAW, Pen, bezier, mirrored, shade

STUDIO = Shot(scale=0.9, turn=0.0, shift=(0.0, 0.0), clutter=0, in_front=0, gain=1.0, blur=0.0)


def test_every_shelf_has_a_silhouette():
    assert set(DRAW) == {shelf.id for shelf in SHELVES}


@pytest.mark.parametrize("shelf", sorted(DRAW))
def test_every_form_of_a_silhouette_fills_part_of_its_canvas(shelf):
    for seed in range(25):
        pen = Pen(96, (200, 40, 40), (40, 40, 200))
        DRAW[shelf](pen, Random(seed))
        covered = np.mean(np.asarray(pen.image)[..., 3] > 0)
        assert 0.04 < covered < 0.65, seed


@pytest.mark.parametrize("make_shot", [easy_shot, poor_shot])
@pytest.mark.parametrize("shelf", sorted(DRAW))
def test_photographs_have_one_size_and_show_something(shelf, make_shot):
    rng = Random(5)
    image = photograph(shelf, "red", make_shot(rng), rng)
    assert image.size == (SIZE, SIZE)
    assert image.mode == "RGB"
    assert np.asarray(image, float).std() > 3


def test_a_red_product_is_red_in_the_middle_of_a_studio_photograph():
    pixels = np.asarray(photograph("bowls", "red", STUDIO, Random(11)), int)
    middle = pixels[SIZE // 2 - 4 : SIZE // 2 + 4, SIZE // 2 - 4 : SIZE // 2 + 4].mean((0, 1))
    assert middle[0] > 1.5 * middle[2]


def test_poor_photographs_are_darker_on_average():
    rng = Random(9)
    assert max(poor_shot(rng).gain for _ in range(50)) < min(easy_shot(rng).gain for _ in range(50))


@pytest.mark.parametrize("image_format, magic", [("JPEG", b"\xff\xd8"), ("PNG", b"\x89PNG")])
def test_pictures_are_encoded_as_asked(image_format, magic):
    image = photograph("mugs", "teal", STUDIO, Random(2))
    assert encode(image, image_format).startswith(magic)


def test_a_bezier_curve_starts_and_ends_at_its_ends_and_passes_the_known_middle():
    curve = bezier([(0.0, 0.0), (1.0, 2.0), (2.0, 0.0)], steps=2)
    assert curve == [(0.0, 0.0), (1.0, 1.0), (2.0, 0.0)]


def test_an_outline_is_mirrored_at_the_axis():
    assert mirrored([(0.75, 0.0), (1.0, 1.0)]) == [(0.75, 0.0), (1.0, 1.0), (0.0, 1.0), (0.25, 0.0)]


def test_shading_stays_within_a_byte():
    assert shade((200, 100, 0), 2.0) == (255, 200, 0)
