"""A small job with awkward products, served on a free port."""

import json
from contextlib import ExitStack

import httpx
import pytest
from PIL import Image

from shelfsort.core.web.protection import LOOPBACK_HOSTS
from shelfsort.core.web.server import WebServer
from shelfsort.labeling.queue.log import FORM
from shelfsort.labeling.queue.records import task_name
from shelfsort.labeling.web.job import LabelJob

TOKENS = {"Ann": "ann-has-this-token", "Bob": "bob-has-this-token", "Cleo": "cleo-has-this-one"}
KEY = "5a" * 32
HOSTILE = '<img src=x onerror=document.title="run">&amp;<script>alert(1)</script> "quoted" \'x\''
TREE = [
    {"id": "Bags", "name": "Bags"},
    {"id": "totes", "name": "Totes", "parent": "Bags"},
    {"id": "backpacks", "name": "Backpacks", "parent": "Bags"},
    {"id": "Hats", "name": "Hats"},
    {"id": "bar", "name": "Café & <b>Bar</b>"},
    {"id": "Shoes", "name": "Shoes"},
    {"id": "men", "name": "Men", "parent": "Shoes"},
    {"id": "boots", "name": "Boots", "parent": "men"},
]
# In the order in which the page serves them; their file has the opposite one.
PRODUCTS = [
    {"id": "tote", "title": HOSTILE, "source-ref": "images/1.png", "price": 12.5},
    {"id": "<i>5<b>", "title": "🧢 \u202eRTL\u0007 قبعة", "source-ref": "images/2.webp"},
    {"id": "outside-10", "title": "Outside", "source-ref": "../secret.png"},
    {"id": "words", "description": "Two\nlines " + "x" * 300},
    {"id": "missing", "source-ref": "images/none.png", "title": "No file"},
]


def name_of(id_):
    """What the page calls a product."""
    return task_name(bytes.fromhex(KEY), id_)


@pytest.fixture
def catalogue(tmp_path):
    """The manifest and the tree; a file that must not be shown lies beside."""
    folder = tmp_path / "shop"
    (folder / "images").mkdir(parents=True)
    Image.new("RGBA", (40, 30), (200, 30, 30, 128)).save(folder / "images" / "1.png")
    Image.new("RGB", (300, 900), (30, 30, 200)).save(folder / "images" / "2.webp")
    Image.new("RGB", (30, 40), (0, 0, 0)).save(tmp_path / "secret.png")
    lines = [*map(json.dumps, reversed(PRODUCTS)), "{broken", json.dumps({"id": "empty"})]
    (folder / "products.manifest").write_text("\n".join(lines), "utf-8")
    (folder / "tree.json").write_text(json.dumps(TREE), "utf-8")
    (folder / "answers.jsonl").write_text(json.dumps({FORM: 1, "key": KEY}) + "\n")
    return folder


@pytest.fixture
def job(catalogue):
    """Opens the job, with other settings if given, and yields its server."""
    with ExitStack() as stack:

        def opened(**settings):
            given = {
                "data": str(catalogue / "products.manifest"),
                "taxonomy": str(catalogue / "tree.json"),
                "answers": catalogue / "answers.jsonl",
                "answers_each": 2,
                **settings,
            }
            open_job = stack.enter_context(
                LabelJob(**given).opened(TOKENS, LOOPBACK_HOSTS, https=False)
            )
            return open_job, stack.enter_context(WebServer(open_job.app))

        yield opened


@pytest.fixture
def client(job):
    """A client of a person; all are of one server."""
    with ExitStack() as stack:
        started = []

        def of(name, **settings):
            if not started:
                started.append(job(**settings)[1])
            headers = {"Authorization": f"Bearer {TOKENS[name]}"}
            return stack.enter_context(
                httpx.Client(base_url=started[0].url, headers=headers, timeout=30)
            )

        yield of
