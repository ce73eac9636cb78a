"""The page in a real browser: it fits, shows its figures and asks for nothing."""

import pytest

from shelfsort.decisions.database.opening import open_database
from shelfsort.decisions.monitoring.page import page
from shelfsort.decisions.monitoring.report import Asked, report_of
from tests.shelfsort.decisions.monitoring.conftest import HOSTILE, NOW, two_months

ASKED = Asked(0.98, 0.05, 90, 14)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    engine = open_database(str(folder / "decisions.db"))
    two_months(engine)
    (folder / "days.html").write_bytes(page(report_of(engine, ASKED, NOW), HOSTILE))
    return folder / "days.html"


@pytest.mark.slow
@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_and_asks_for_nothing(browser, path, width, scheme):
    tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    complaints = []
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("request", lambda request: complaints.append(request.url))
    tab.goto(path.as_uri())
    assert complaints == [path.as_uri()]
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert HOSTILE in tab.title()
    assert tab.locator("img, script").count() == 0
    assert tab.locator("figure svg").count() == 7
    assert tab.locator("svg path.band").count() == 1
    assert tab.locator("svg .bar0").count() == 3 * 45
    light = tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(247, 245, 240)"
    assert light == (scheme == "light")
    outside = """() => [...document.querySelectorAll('svg text')].filter(each => {
        const own = each.getBoundingClientRect();
        const all = each.ownerSVGElement.getBoundingClientRect();
        return own.width && (own.left < all.left - 1 || own.right > all.right + 1);
    }).map(each => each.textContent)"""
    assert tab.evaluate(outside) == []
    tab.close()


@pytest.mark.slow
def test_the_page_names_what_is_wrong(browser, path):
    tab = browser.new_page()
    tab.goto(path.as_uri())
    alarms = tab.locator(".state.broken li").all_inner_texts()
    assert any(HOSTILE in each for each in alarms) and len(alarms) >= 3
    shaded = tab.locator("svg .mark").count()
    assert shaded >= 10
    headings = tab.locator("h2").all_inner_texts()
    assert headings[-1] == f"Candidate: {HOSTILE}"
    assert "What has drifted" in headings and "What went to people" in headings
    tab.close()


def test_a_database_without_answers_has_a_page(tmp_path):
    engine = open_database(str(tmp_path / "decisions.db"))
    drawn = page(report_of(engine, ASKED, NOW), "empty").decode()
    assert "No alarm." in drawn and drawn.count("<svg") == 4
