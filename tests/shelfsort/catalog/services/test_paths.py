import pytest

from shelfsort.catalog.services.paths import values_at

PRODUCT = {
    "id": 7,
    "image": {"sizes": {"Best": {"url": "a.jpg"}}},
    "categories": [{"id": "cups"}, {"name": "no id"}, {"id": None}],
    "by.id": {"x": {"n": 1}, "y": {"n": 2}},
}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("id", [7]),
        ("image.sizes.Best.url", ["a.jpg"]),
        ("categories[*].id", ["cups", None]),
        ("categories[0].id", ["cups"]),
        ("categories[-1].id", [None]),
        ("categories[9].id", []),
        ('["by.id"][*].n', [1, 2]),
        ("image.size.Best", []),
        ("id.further", []),
        ("categories.id", []),
        ("id[0]", []),
        ("", [PRODUCT]),
    ],
)
def test_a_path_leads_to_values(path, values):
    assert values_at(PRODUCT, path) == values


@pytest.mark.parametrize(
    "path", [".a", "a.", "a..b", "a[", "a[x]", "a]", "a[*]b", 'a["b]', "a[1.5]"]
)
def test_what_is_no_path_is_refused(path):
    with pytest.raises(ValueError, match="no path"):
        values_at({}, path)
