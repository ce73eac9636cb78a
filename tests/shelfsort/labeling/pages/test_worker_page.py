"""The page of a Ground Truth task in a real browser, as `labels preview` shows it."""

import io
import json

import pytest
from PIL import Image

from shelfsort.core.web.server import WebServer
from shelfsort.labeling.import_job import read_export
from shelfsort.labeling.pages.tree import Guide, picker_nodes, split_nodes
from shelfsort.labeling.pages.worker_template import worker_template
from shelfsort.labeling.preview.answers import AnswerFile
from shelfsort.labeling.preview.application import Preview
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.products.taxonomy_forms import nodes_of_paths

pytestmark = pytest.mark.slow

TOKEN = "t" * 20
TITLE = "\"It's\" <b>bold</b> <script>document.title = 'broken in'</script> 🙂 {{ task }}"
PATHS = ["Bags > Totes", "Bags > Purses", "Shoes > Boots > Ankle boots", "Shoes > Sandals", "Hats"]
LINES = [
    {"source-ref": "mug.png", "title": TITLE, "description": "Two\nlines & more", "price": 12.5},
    {"source-ref": "missing.png", "title": "Its image is not there"},
    {"title": "Words only"},
]


@pytest.fixture
def task(browser, tmp_path):
    """Opens a task; fails the test on anything unexpected in the console."""
    picture = io.BytesIO()
    Image.new("RGB", (300, 400), "teal").save(picture, "PNG")
    (tmp_path / "mug.png").write_bytes(picture.getvalue())
    manifest = tmp_path / "input.manifest"
    answers = AnswerFile(str(tmp_path / "answers.jsonl"))
    guide = Guide({"Bags > Totes": "Large, with two handles."})
    nodes = picker_nodes(Taxonomy.from_nodes(nodes_of_paths(PATHS)), guide)
    opened, complaints = [], []

    def open_(number=0, width=1440, dark=False, in_files=False):
        template = worker_template(nodes, instructions="Look at the image first.")
        if in_files:
            split = split_nodes(nodes)
            places = [tmp_path / f"{n}.json" for n in range(len(split.files))]
            for place, content in zip(places, split.files, strict=True):
                place.write_text(json.dumps(content))
            template = worker_template(split.nodes, files=list(map(str, places)))
        server = WebServer(
            Preview("t.html", template, str(manifest), LINES, answers).application(TOKEN)
        )
        server.start()
        tab = browser.new_page(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
        )
        opened.extend((tab.close, lambda: server.stop(0)))
        tab.on("console", lambda said: "404" in said.text or complaints.append(said.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.goto(f"{server.url}/task/{number}?token={TOKEN}")
        return tab

    yield open_
    for close in opened:
        close()
    assert complaints == []


def names(tab):
    return tab.locator(".picker-name").all_inner_texts()


def submitted(tab):
    """Presses the button; returns the answer that the preview shows."""
    tab.locator("#submit").click()
    tab.locator("#preview-answer[open]").wait_for()
    return json.loads(tab.locator("#preview-answer pre").inner_text())


def test_a_leaf_is_found_by_drilling_down_and_going_back(task, tmp_path):
    tab = task()
    assert tab.locator("h1").inner_text() == TITLE
    assert tab.title() == "Preview of task 1"
    assert tab.evaluate("document.getElementById('photo').naturalWidth") == 300
    assert names(tab) == ["Bags", "Hats", "Shoes"]
    tab.get_by_role("button", name="Bags").click()
    assert names(tab) == ["Purses", "Totes"]
    assert "Large, with two handles." in tab.locator(".picker-list").inner_text()
    tab.get_by_role("button", name="All categories").click()
    assert names(tab) == ["Bags", "Hats", "Shoes"]
    tab.get_by_role("button", name="Shoes").click()
    tab.get_by_role("button", name="Boots").click()
    tab.get_by_role("button", name="Ankle boots").click()
    assert tab.locator("#chosen").inner_text() == "Shoes › Boots › Ankle boots"
    answer = submitted(tab)
    assert float(answer.pop("seconds")) > 0
    assert answer == {
        "label": "Shoes > Boots > Ankle boots",
        "category": "Shoes > Boots > Ankle boots",
        "image_problem": "no",
        "comment": "",
    }
    tab.get_by_role("link", name="Next task").click()
    assert tab.locator("h1").inner_text() == "Its image is not there"
    found = read_export(str(tmp_path / "answers.jsonl"))
    assert [each["label"] for each in found.entries["0"]] == ["Shoes > Boots > Ankle boots"]
    assert found.entries["0"][0]["seconds"] > 0


def test_search_narrows_the_whole_tree_and_its_hits_can_be_chosen(task):
    tab = task()
    tab.locator(".picker-search").fill("bo ank")
    assert names(tab) == ["Ankle boots"]
    assert tab.locator(".picker-above").inner_text() == "Shoes › Boots"
    tab.locator(".picker-search").fill("no such thing")
    assert names(tab) == []
    tab.locator(".picker-search").fill("SANDÁLS")
    tab.locator(".picker-search").press("Enter")
    assert submitted(tab)["label"] == "Shoes > Sandals"


def test_an_answer_is_required_and_cannot_tell_is_one(task, tmp_path):
    tab = task(2)
    assert tab.locator("#photo").count() == 0
    tab.locator("#submit").click()
    assert "Choose a category" in tab.locator("[role=alert]").inner_text()
    assert not (tmp_path / "answers.jsonl").exists()
    tab.get_by_role("button", name="Hats").click()
    tab.get_by_role("button", name="I cannot tell").click()
    assert tab.locator("[aria-pressed=true]").count() == 1
    tab.get_by_text("Add a comment").click()
    tab.locator("#comment").fill("Is it 1 hat?")
    answer = submitted(tab)
    assert (answer["label"], answer["comment"]) == ("cannot tell", "Is it 1 hat?")


def test_an_image_that_does_not_load_is_said_by_itself(task):
    tab = task(1)
    tab.locator("#photo-broken").wait_for()
    assert tab.locator("#image-problem").get_attribute("aria-pressed") == "true"
    tab.get_by_role("button", name="Hats").click()
    assert submitted(tab)["image_problem"] == "yes"


def test_the_keyboard_is_enough(task):
    tab = task()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight"):
        tab.keyboard.press(key)
    tab.get_by_role("button", name="Sandals").wait_for()
    tab.keyboard.press("Backspace")
    tab.get_by_role("button", name="Hats").wait_for()
    assert tab.evaluate("document.activeElement.dataset.id") == "Shoes"
    tab.keyboard.press("?")
    tab.keyboard.press("!")
    assert tab.locator("[aria-pressed=true]").count() == 2
    for key in ("/", "p", "u", "r", "Escape", "1", "2"):
        tab.keyboard.press(key)
        tab.wait_for_timeout(50)
    tab.locator("#submit").focus()
    tab.keyboard.press("Enter")
    tab.locator("#preview-answer[open]").wait_for()
    answer = json.loads(tab.locator("#preview-answer pre").inner_text())
    assert (answer["label"], answer["image_problem"]) == ("Bags > Totes", "yes")


def test_a_tree_in_files_is_loaded_level_by_level(task, tmp_path):
    tab = task(in_files=True)
    asked = []
    tab.on("request", lambda request: asked.append(request.url))
    assert names(tab) == ["Bags", "Hats", "Shoes"]
    assert asked == []
    tab.get_by_role("button", name="Bags").click()
    tab.get_by_role("button", name="Totes").click()
    assert len(asked) == 1
    assert submitted(tab)["label"] == "Bags > Totes"


def test_a_level_that_cannot_be_loaded_can_be_tried_again(task, tmp_path):
    tab = task(in_files=True)
    held = (tmp_path / "0.json").read_bytes()
    (tmp_path / "0.json").unlink()
    tab.locator(".picker-search").fill("ankle")
    tab.get_by_role("button", name="Try again").wait_for()
    (tmp_path / "0.json").write_bytes(held)
    tab.get_by_role("button", name="Try again").click()
    tab.get_by_role("button", name="Ankle boots").wait_for()


@pytest.mark.parametrize("width", [390, 1440])
def test_the_page_fits_and_can_be_read(task, width):
    for dark in (False, True):
        tab = task(width=width, dark=dark)
        tab.get_by_role("button", name="Bags").click()
        tab.get_by_role("button", name="Totes").click()
        fits = "document.documentElement.scrollWidth <= innerWidth"
        assert tab.evaluate(fits)
        for selector in ("h1", ".picker-about", "#chosen", "#image-problem"):
            assert contrast(tab, selector) >= 4.5


def contrast(tab, selector):
    """WCAG 2.1 contrast of an element's text and what is behind it."""
    return tab.eval_on_selector(
        selector,
        """(node) => {
          const parse = (text) => text.match(/[\\d.]+/g).map(Number);
          const light = (rgb) => rgb.slice(0, 3)
            .map((each) => each / 255)
            .map((each) => (each <= 0.03928 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4))
            .reduce((sum, each, at) => sum + each * [0.2126, 0.7152, 0.0722][at], 0);
          let behind = node, colour;
          do {
            colour = parse(getComputedStyle(behind).backgroundColor);
            behind = behind.parentElement;
          } while (behind && colour[3] === 0);
          const both = [light(parse(getComputedStyle(node).color)), light(colour)];
          return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
        }""",
    )
