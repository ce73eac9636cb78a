"""A catalogue whose lines are all good."""

import pytest


@pytest.fixture
def whole(catalogue, make_line, make_picture):
    """120 good lines: every third without a picture, every fourth without words."""
    for n in range(120):
        line = make_line(["shoes", "shoes", "Shirts"] if n % 2 else ["shirts"], id=f"p{n}")
        if n % 4:
            line |= {"title": f"Thing number {n}", "price": n / 2, "gold": "Trousers"}
        if n % 3 or not n % 4:
            picture = make_picture(colour=(n, 255 - n, 3 * n % 256))
            line["source-ref"] = catalogue.picture(f"{n}.jpg", picture)
        catalogue.add(line)
    return catalogue
