"""People label in real browsers: by keyboard, at once, on awkward data, and through a crash."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack

import pytest

from shelfsort.labeling.queue.log import read_log
from tests.shelfsort.labeling.web.conftest import PRODUCTS, TOKENS

pytestmark = pytest.mark.slow
IDS = [each["id"] for each in PRODUCTS]


@pytest.fixture
def opened(browser):
    """Opens the page of a person; fails the test on anything unexpected in the console."""
    complaints = []
    with ExitStack() as stack:

        def open_(url, name, width=1440, dark=False):
            context = browser.new_context(
                viewport={"width": width, "height": 900},
                color_scheme="dark" if dark else "light",
            )
            stack.callback(context.close)
            tab = context.new_page()
            tab.set_default_timeout(8_000)
            tab.on("pageerror", lambda error: complaints.append(str(error)))
            # An image that does not load, and a server that is away, are logged by the browser.
            expected = ("Failed to load resource",)
            tab.on(
                "console",
                lambda each: each.text.startswith(expected) or complaints.append(each.text),
            )
            tab.goto(f"{url}/?token={TOKENS[name]}")
            tab.wait_for_selector(".picker-row")
            return tab

        yield open_
    assert complaints == []


def records(catalogue):
    return [(each.task, each.label) for each in read_log(str(catalogue / "answers.jsonl"))]


def shows(tab, id_):
    tab.locator("#id").filter(has_text=id_).wait_for()


def press(tab, *keys, then):
    for key in keys:
        tab.keyboard.press(key)
    shows(tab, then)


def test_two_people_label_at_once_by_keyboard_alone(job, opened, catalogue):
    _, server = job()
    ann, bob = opened(server.url, "Ann"), opened(server.url, "Bob")
    shows(ann, IDS[0])
    assert ann.title() == "Label products"
    assert ann.locator("#title").inner_text().endswith("\"quoted\" 'x'")
    assert ann.locator("#image").evaluate("each => each.naturalWidth") == 40
    press(ann, "1", "1", then=IDS[1])
    press(bob, "2", then=IDS[1])
    press(ann, "=", then=IDS[2])
    ann.get_by_text("The image does not load.").wait_for()
    press(ann, "!", then="words")
    press(ann, "?", then="missing")
    press(ann, "Control+z", then="words")
    ann.keyboard.type("boots")
    press(ann, "Enter", then="missing")
    ann.keyboard.press("2")
    ann.get_by_text("You are done").wait_for()
    for each in (*IDS[2:], None):
        bob.keyboard.press("3")
        if each:
            shows(bob, each)
    bob.get_by_text("All done").wait_for()
    assert bob.locator("#given").inner_text() == "10 of 10 answers"
    bob.keyboard.press("Control+z")
    shows(bob, "missing")
    given, bar = records(catalogue), "Café & <b>Bar</b>"
    assert [each for each in given if each[0] == "words"] == [
        ("words", "cannot tell"),
        ("words", ""),
        ("words", "Shoes > Men > Boots"),
        ("words", bar),
    ]
    assert [label for task, label in given if task == IDS[1]] == ["Bags > Totes", bar]


def test_an_answer_waits_for_a_server_that_was_killed(opened, catalogue, tmp_path):
    people = tmp_path / "people.csv"
    people.write_text("name,token\n" + "".join(f"{n},{t}\n" for n, t in TOKENS.items()))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = f"label --data {catalogue}/products.manifest --taxonomy {catalogue}/tree.json"
    words += f" --answers {catalogue}/answers.jsonl --people {people} --port {port}"
    command = [sys.executable, "-m", "shelfsort.cli.main", *words.split()]

    def started():
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        for line in server.stdout:
            if "Ctrl-C" in line:
                return server
        raise AssertionError("it did not start")

    server = started()
    try:
        ann = opened(f"http://127.0.0.1:{port}", "Ann")
        press(ann, "2", then=IDS[1])
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
        assert records(catalogue) == [(IDS[0], "Hats")]
        ann.keyboard.press("2")
        ann.get_by_text("The server does not answer").wait_for()
        with (catalogue / "answers.jsonl").open("ab") as torn:
            torn.write(b'{"at": 1, "wor')
        server = started()
        shows(ann, IDS[2])
        assert ann.locator("#trouble").is_hidden()
        assert records(catalogue) == [(IDS[0], "Hats"), (IDS[1], "Hats")]
        press(ann, "Control+z", then=IDS[1])
        server.send_signal(signal.SIGTERM)
        said, _ = server.communicate(timeout=30)
        assert "1 of 15 answers given" in said
    finally:
        server.kill()
        server.wait()


@pytest.mark.parametrize(("width", "dark"), [(390, True), (1440, False)])
def test_everything_fits_the_window(job, opened, width, dark):
    _, server = job()
    tab = opened(server.url, "Ann", width, dark)
    press(tab, "2", then=IDS[1])
    wide = "document.documentElement.scrollWidth > innerWidth"
    tall = "document.documentElement.scrollHeight > innerHeight"
    assert (tab.evaluate(wide), tab.evaluate(tall)) == (False, False)
    frame, image = (tab.locator(each).bounding_box() for each in ("#frame", "#image"))
    assert frame["y"] <= image["y"]
    assert image["y"] + image["height"] <= frame["y"] + frame["height"]
    assert image["width"] > 100
    for name in ("Cannot tell", "Image does not load", "Undo"):
        box = tab.get_by_role("button", name=name).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
    background = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(20, 23, 26)" if dark else "rgb(247, 245, 240)")
