import html
import json
import re

import pytest

from shelfsort.core.errors import InputError
from shelfsort.labeling.pages.worker_template import (
    MOST_CHARACTERS,
    picker_part,
    refuse_long_template,
    worker_template,
)
from shelfsort.labeling.preview.liquid_page import LiquidPage

HOSTILE = [
    "{{ 7 | times: 6 }}",
    "{% raw %}",
    "</script><script>alert(1)</script>",
    "%TREE% %STYLE%",
    "\u2028 \"quotes\" 'single' & <b> 🙂",
]


def rendered(template, **fields):
    return LiquidPage("t", template, lambda place: f"/granted?of={place}&b").render(fields)


def tree_in(page):
    held = re.search(r'<script[^>]*id="tree">(.*?)</script>', page, re.DOTALL)
    return json.loads(held[1])


def test_hostile_names_questions_and_instructions_come_through_as_text():
    nodes = [{"id": text, "name": text, "about": text} for text in HOSTILE]
    page = rendered(worker_template(nodes, HOSTILE[0], " ".join(HOSTILE)))
    assert tree_in(page) == nodes
    assert html.escape(" ".join(HOSTILE)) in page.replace("&#123;", "{").replace(
        "&#125;", "}"
    ).replace("&#37;", "%")
    assert "<script>alert" not in page


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_products_come_through_as_text(text):
    page = rendered(worker_template([]), title=text, description=text, image=text)
    assert page.count("<script") == rendered(worker_template([])).count("<script")
    assert html.unescape(re.search("<h1 class=.title.>(.*?)</h1>", page)[1]) == text
    source = re.search('<img id="photo" src="([^"]*)"', page)[1]
    assert html.unescape(source) == f"/granted?of={text}&b"


def test_what_a_product_lacks_is_not_shown():
    page = rendered(worker_template([]), title="Only words")
    assert 'id="photo"' not in page
    assert 'id="image-problem"' not in page
    assert 'class="price"' not in page


def test_lines_that_no_function_prepared_are_shown_as_well():
    page = rendered(worker_template([]), **{"source-ref": "s3://b/k", "title": "T"})
    assert 'src="/granted?of=s3://b/k&amp;b"' in page


def test_files_of_the_tree_are_signed_in_s3_and_read_as_they_are_on_the_web():
    page = rendered(worker_template([], files=["s3://b/0.json", "https://h/1.json"]))
    assert '<a hidden id="tree-file-0" href="/granted?of=s3://b/0.json&amp;b">' in page
    assert '<a hidden id="tree-file-1" href="https://h/1.json">' in page
    with pytest.raises(InputError, match="quotes"):
        worker_template([], files=['s3://b/"}}'])


def test_a_template_is_refused_where_it_is_too_long():
    refuse_long_template("t", "x" * MOST_CHARACTERS)
    with pytest.raises(InputError, match="128,001 characters"):
        refuse_long_template("t", "x" * (MOST_CHARACTERS + 1))


@pytest.mark.parametrize("name", ["picker.js", "picker.css", "worker.js", "worker.css"])
def test_what_stands_in_the_template_as_it_is_has_no_liquid(name):
    text = picker_part(name)
    assert "{{" not in text
    assert "{%" not in text
    assert "</" not in text
