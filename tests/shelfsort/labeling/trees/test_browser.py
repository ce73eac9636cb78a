"""The drawn tree in a real browser: it opens, is searched and sorted, and runs no other script."""

import pytest

from shelfsort.labeling.trees.drawing import Accuracy, page
from shelfsort.labeling.trees.labelled import Counts
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.products.taxonomy_forms import nodes_of_paths

pytestmark = pytest.mark.slow
HOSTILE = "<img src=x onerror=document.title='run'"
TREE = Taxonomy.from_nodes(
    nodes_of_paths(
        ["Pets > Dogs > Food", "Pets > Cats > Food", "Café", HOSTILE]
        + [f"Many > {n:04}" for n in range(700)]
    )
)
COUNTS = Counts()
COUNTS.of.update({"Pets > Dogs > Food": 2, "Café": 5, "Many > 0650": 1})


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("drawn") / "tree.html"
    low = {"root": Accuracy(9, 8, 9, 0.6, 0.99), "Café": Accuracy(4, 1, 1, 0.1, 0.8)}
    path.write_bytes(page(TREE, HOSTILE, COUNTS, low))
    return path


@pytest.fixture
def opened(browser, path):
    """Opens the page; fails the test on anything in the console and on any request."""
    tabs, complaints = [], []

    def open_(width=1440, dark=False):
        scheme = "dark" if dark else "light"
        tab = browser.new_page(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            reduced_motion="reduce",
        )
        tabs.append(tab)
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        outside = lambda request: not request.url.startswith(("file:", "data:"))  # noqa: E731
        tab.on("request", lambda request: outside(request) and complaints.append(request.url))
        tab.goto(path.as_uri())
        return tab

    yield open_
    for tab in tabs:
        tab.close()
    assert complaints == []


def names(tab):
    return tab.locator("#tree > li > .row bdi:first-child").all_inner_texts()


def test_a_tree_opens_level_by_level_and_closes(opened):
    tab = opened()
    assert names(tab) == [HOSTILE, "Café", "Many", "Pets"]
    assert HOSTILE in tab.title() and tab.locator("img").count() == 0
    tab.get_by_role("button", name="Pets").click()
    tab.get_by_role("button", name="Dogs").press("Enter")
    assert tab.get_by_text("Food", exact=True).count() == 1
    tab.get_by_role("button", name="Close all").click()
    assert tab.locator("#tree .tree").count() == 0
    tab.get_by_role("button", name="Open one more level").click()
    assert tab.locator("#tree > li > .tree > li").count() == 2 + 300 + 1


def test_a_search_lists_paths_and_shows_a_category_in_the_tree(opened):
    tab = opened()
    tab.get_by_label("Search").fill("food pets")
    results = tab.locator("#results button")
    assert results.all_inner_texts() == ["Pets › Cats › Food", "Pets › Dogs › Food"]
    tab.get_by_label("Search").fill("CAFE")
    assert results.all_inner_texts() == ["Café"]
    tab.get_by_label("Search").fill("0650")
    results.click()
    assert tab.locator(".here").inner_text().startswith("0650")
    assert tab.locator(".here").evaluate("each => each.getBoundingClientRect().top < innerHeight")


def test_the_order_is_chosen_and_figures_are_shown(opened):
    tab = opened()
    tab.get_by_label("Order").select_option("most")
    assert names(tab) == ["Café", "Pets", "Many", HOSTILE]
    row = tab.locator("#tree > li").first.inner_text()
    assert "25.0\u202f%" in row and "10.0\u202f% to 80.0\u202f%, n = 4" in row


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_is_wider_than_the_window(opened, width, dark):
    tab = opened(width, dark)
    tab.get_by_role("button", name="Pets").click()
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    wide = "each => each.filter(one => one.scrollWidth > one.clientWidth + 1).length"
    assert tab.eval_on_selector_all(".row > *", wide) == 0
    background = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(20, 23, 26)" if dark else "rgb(247, 245, 240)")
