"""The report of a catalogue in a real browser: it fits, shows its figures and asks for nothing."""

import pytest

from shelfsort.catalog.output.report import take_report
from shelfsort.catalog.output.report_page import report_page
from shelfsort.catalog.settings import load_settings
from tests.fixtures.shop import NOW, Shop, reasons

HOSTILE = "<img src=x onerror=document.title='run'>"


def report(shop):
    """The report of a shop, as the command takes it."""
    shop.write()
    return take_report(load_settings(shop.settings), NOW)


def filled(folder):
    """A shop with something of everything, and with text that is HTML."""
    shop = Shop(folder)
    shop.tree()
    shop.source("bare", licence="")
    shop.source("shop", licence=HOSTILE)
    counts = {"rows": 400, "new": 30, "changed": 12, "gone": 4, "rejected": 9}
    shop.pull("shop", outcome="refused", reasons=reasons(HOSTILE), **counts)
    pictures = [shop.picture((50 * n, 90, 200), (30 + 90 * n, 60 + 40 * n)) for n in range(5)]
    categories = (["shirts"], ["trousers"], ["shoes"], ["shirts"], [HOSTILE])
    for n, (digest, each) in enumerate(zip(pictures, categories, strict=True)):
        dead = "gone" if n % 2 else "timeout"
        shop.add("shop", str(n), digest, dead, title=HOSTILE * 3, categories=each)
    shop.add("shop", "again", pictures[0], "", title="Twice", categories=["shirts"])
    return shop


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    shop = filled(tmp_path_factory.mktemp("report"))
    place = shop.folder / "report.html"
    place.write_bytes(report_page(report(shop)))
    return place


def test_an_empty_catalogue_has_a_page(shop):
    shop.source("shop")
    text = report_page(report(shop)).decode()
    assert text.count("<article>") == 1
    assert "What to do next" in text


def test_pictures_that_cannot_be_shown_are_named(shop):
    shop.source("shop")
    bomb = shop.picture("red", content=b"BM" + bytes(16) + b"\xff\xff\xff\x7f\xff\xff\xff\x7f" * 3)
    lost, good = shop.picture("green"), shop.picture("blue")
    for n, digest in enumerate((bomb, lost, good)):
        shop.add("shop", str(n), digest, categories=["x"])
    for file in (shop.folder / "images").rglob(f"{lost}*"):
        file.unlink()
    [row] = report(shop).sheet
    shown = {each.note: each.picture[:22] for each in row.thumbnails}
    assert shown == {"cannot be shown": "", "24 x 16 pixels": "data:image/jpeg;base64"}
    assert len(row.thumbnails) == 3


def test_hosts_with_cropped_pictures_are_shown(shop):
    shop.source("shop")
    for n in range(20):
        shop.add("shop", str(n), shop.picture((12 * n, 0, 90), size=(30, 30)))
    [host] = report(shop).cropped
    assert (host.host, host.pictures, host.square) == ("shop.example", 20, 1.0)
    assert "look cropped" in report_page(report(shop)).decode()


def test_the_steps_follow_the_figures(shop):
    shop.tree()
    shop.source("shop", licence="")
    number = shop.add("shop", "a", "", "gone", "gone", "timeout", categories=["Sale"])
    assert number
    shop.pull("shop", rows=10, rejected=5, outcome="refused")
    steps = report(shop).steps
    commands = [each.command.removeprefix("shelfsort catalog ").split()[0] for each in steps[3:]]
    assert commands == ["fetch", "fetch", "crosswalk"]
    assert steps[4].command.endswith("--retry timeout")
    assert steps[0].command.endswith("--source shop")
    assert [step.command for step in steps[1:3]] == ["", ""]


@pytest.mark.slow
@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)])
def test_the_page_fits_and_shows_what_was_found(browser, page, width, dark):
    scheme = "dark" if dark else "light"
    tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    complaints = []
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("request", lambda request: complaints.append(request.url[:40]))
    tab.goto(page.as_uri())
    assert [each for each in complaints if not each.startswith("data:")] == [page.as_uri()[:40]]
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.title().startswith("Catalogue ")
    assert tab.locator("script").count() == 0
    cards = dict(
        zip(
            tab.locator(".figures dt").all_inner_texts(),
            tab.locator(".figures dd:nth-of-type(1)").all_inner_texts(),
            strict=True,
        )
    )
    assert cards["Products on sale"] == "6"
    assert cards["With a picture"] == "100.0\u202f%"
    assert cards["Dead links"] == "45.5\u202f%"
    assert cards["Pictures of several products"] == "1"
    # The longest bar fills its track, and one of half the count half of it.
    chart = tab.get_by_label("Products by category")
    lengths = {}
    for row in chart.locator("li").all():
        track, bar = (row.locator(each).bounding_box() for each in (".track", ".track i"))
        lengths[row.locator(".name").inner_text()] = bar["width"] / track["width"]
    assert lengths == pytest.approx(
        {"Clothes > Shirts": 1.0, "Clothes > Trousers": 1 / 3, "Shoes": 1 / 3}, abs=0.01
    )
    images = tab.locator(".sheet img")
    images.last.scroll_into_view_if_needed()
    for each in images.all():
        each.scroll_into_view_if_needed()
        assert each.evaluate("it => it.decode().then(() => it.naturalWidth)") > 0
    tab.close()
