"""People decide in real browsers: two at once, by keyboard, and through a crash of the server."""

import csv
import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack

import pytest

from tests.shelfsort.decisions.review.web.conftest import HOSTILE, TOKENS

pytestmark = pytest.mark.slow


@pytest.fixture
def opened(browser):
    """Opens the page of a person; fails the test on anything unexpected in the console."""
    complaints = []
    with ExitStack() as stack:

        def open_(link, width=1440, dark=False):
            context = browser.new_context(
                viewport={"width": width, "height": 900},
                color_scheme="dark" if dark else "light",
            )
            stack.callback(context.close)
            tab = context.new_page()
            tab.set_default_timeout(8_000)
            tab.on("pageerror", lambda error: complaints.append(str(error)))
            # A server that is away, and a request that it refuses, are logged by the browser.
            expected = ("Failed to load resource",)
            tab.on(
                "console",
                lambda each: each.text.startswith(expected) or complaints.append(each.text),
            )
            tab.goto(link)
            return tab

        yield open_
    assert complaints == []


def shows(tab, title):
    tab.locator("#title").get_by_text(title, exact=True).wait_for()


def link(server, name):
    return f"{server.url}/?token={TOKENS[name]}"


def test_two_people_decide_at_once_by_keyboard_and_a_lead_settles_it(stock, served, opened):
    stock.decided(HOSTILE, score=0.1)
    stock.decided("two", score=0.2)
    stock.decided("three", "four", score=0.3)
    stock.with_picture()
    server = served()
    ann, bob = opened(link(server, "Ann")), opened(link(server, "Bob"))
    shows(ann, HOSTILE)
    shows(bob, "three")
    assert ann.locator("#image").evaluate("each => each.naturalWidth") == 40
    # Ann refuses, and confirms with a reason of her own.
    ann.keyboard.press("1")
    ann.get_by_role("heading", name="Package: refuse").wait_for()
    ann.get_by_label("Reason for the customer").fill("Please show the product.")
    ann.get_by_label("Note for colleagues").fill("only a box")
    ann.get_by_role("button", name="Confirm").click()
    shows(ann, "two")
    ann.keyboard.press("2")
    ann.get_by_text("Nothing waits for you").wait_for()
    # Idle pages ask for more.
    ann.close()
    # Bob searches, takes it back, and cannot tell. What Ann refused is more urgent than the rest,
    # and comes without what the model or she said.
    bob.keyboard.type("full")
    bob.keyboard.press("Enter")
    shows(bob, HOSTILE)
    bob.keyboard.press("Control+z")
    shows(bob, "three")
    bob.keyboard.press("?")
    shows(bob, HOSTILE)
    assert bob.locator(".suggestion").count() == 0
    assert bob.locator("#why").inner_text() == "Without a suggestion"
    bob.keyboard.type("product")
    bob.keyboard.press("Enter")
    shows(bob, "four")
    bob.keyboard.press("ArrowDown")
    bob.keyboard.press("Enter")
    bob.get_by_text("Nothing waits for you").wait_for()
    lea = opened(link(server, "Lea"))
    shows(lea, HOSTILE)
    assert "Person 1: Package → refuse" in lea.locator("#note").inner_text()
    assert lea.title() == "Review decisions"
    lea.keyboard.press("2")
    lea.get_by_label("Outcome").select_option("refuse")
    lea.get_by_role("button", name="Confirm").click()
    shows(lea, "three")
    lea.get_by_role("button", name="Overview").click()
    lea.get_by_role("cell", name="Bob", exact=True).first.wait_for()
    lea.get_by_label("Id of the product").fill("two")
    lea.get_by_label("What the customer says").fill("<b>Look</b> again")
    lea.get_by_role("button", name="Put it back").click()
    lea.get_by_text("It waits for somebody else now.").wait_for()
    bob.get_by_text("<b>Look</b> again").wait_for(timeout=15_000)
    latest = dict(stock.rows("select product, outcome from latest_decision"))
    assert latest == {HOSTILE: "refuse", "two": "grant", "three": "review", "four": "grant"}
    rows = stock.rows("select reviewer, count(*) from review where undoes is null group by 1")
    assert sorted(rows) == [("Ann", 2), ("Bob", 4), ("Lea", 1)]


def test_a_server_that_is_killed_loses_no_answer(stock, opened, tmp_path):
    stock.decided("one", "two", "three", "four")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    people = tmp_path / "people.csv"
    command = [sys.executable, "-m", "shelfsort.cli.main", "review", "serve"]
    command += ["--database", str(stock.folder / "d.db"), "--port", str(port)]
    command += ["--rules", str(stock.folder / "rules.yaml"), "--people", str(people)]

    def started(*more):
        server = subprocess.Popen([*command, *more], stdout=subprocess.PIPE, text=True)
        for line in server.stdout:
            assert "token=" not in line
            if "Ctrl-C" in line:
                return server
        raise AssertionError("it did not start")

    server = started("--person", "Ann", "--lead", "Lea")
    try:
        links = {row["name"]: row["link"] for row in csv.DictReader(people.open())}
        ann = opened(links["Ann"])
        shows(ann, "one")
        ann.keyboard.press("2")
        shows(ann, "two")
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
        assert stock.rows("select count(*) from review") == [(1,)]
        ann.keyboard.press("2")
        ann.get_by_text("The server does not answer").wait_for()
        server = started()
        shows(ann, "three")
        assert ann.locator("#trouble").is_hidden()
        ann.keyboard.press("Control+z")
        shows(ann, "two")
        server.send_signal(signal.SIGTERM)
        said, _ = server.communicate(timeout=30)
        assert "3 decisions wait" in said
        assert stock.rows("select outcome from latest_decision where product = 'one'") == [
            ("grant",)
        ]
    finally:
        server.kill()
        server.wait()


@pytest.mark.parametrize(("width", "dark"), [(390, True), (1440, False)])
def test_everything_fits_the_window(stock, served, opened, width, dark):
    stock.decided("A title " * 20, "two", score=0.4, price=12.5)
    stock.with_picture()
    tab = opened(link(served(), "Lea"), width, dark)
    tab.locator(".suggestion").first.wait_for()
    wide = "document.documentElement.scrollWidth > innerWidth"
    tall = "document.documentElement.scrollHeight > innerHeight"

    def fits():
        return (tab.evaluate(wide), tab.evaluate(tall)) == (False, False)

    assert fits()
    for name in ("Cannot tell", "Image does not load", "Undo"):
        box = tab.get_by_role("button", name=name).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= 900
    tab.locator(".suggestion").first.click()
    tab.locator("#confirm").wait_for()
    dialog = tab.locator("#confirm").bounding_box()
    assert dialog["x"] >= 0 and dialog["x"] + dialog["width"] <= width
    tab.keyboard.press("Escape")
    tab.get_by_role("button", name="Overview").click()
    tab.get_by_role("heading", name="Audit log").wait_for()
    assert fits()
    background = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(20, 23, 26)" if dark else "rgb(247, 245, 240)")
