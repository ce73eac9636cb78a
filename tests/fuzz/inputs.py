"""Arbitrary input for everything that reads what others wrote, in bounded memory and time.

`python -m tests.fuzz.inputs TARGET [EXAMPLES]` fuzzes one target in this process. Each target
passes while its input is either understood or refused in the documented way.
"""

import io
import json
import resource
import sys
import tempfile
import warnings
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from components.manifest_example_gen.labelling import labelled_product
from components.manifest_example_gen.settings import DataConfig
from shelfsort.catalog.services.answers import parsed
from shelfsort.catalog.services.client import Reply, Service
from shelfsort.catalog.services.key import Key
from shelfsort.catalog.services.mapping import Mapper
from shelfsort.catalog.services.paging import Paging
from shelfsort.catalog.services.progress import Progress
from shelfsort.catalog.services.queries import Plan
from shelfsort.catalog.services.reading import Reader
from shelfsort.catalog.services.reading import Reading as ServiceReading
from shelfsort.core.errors import InputError
from shelfsort.core.yaml import parse_mapping, parse_value
from shelfsort.products.images.checks import check_picture
from shelfsort.products.leaves import LeafResolver
from shelfsort.products.manifest.lines import Line, numbered_lines
from shelfsort.products.manifest.parsing import read_record
from shelfsort.products.manifest.rejects import REASONS, Reject, RejectedLine
from shelfsort.products.taxonomy import Taxonomy
from tests.fuzz.requests import rest_bodies, tensors

MEMORY_BYTES = 1 << 30
CPU_S = 120
MAX_PIXELS = 1_000_000

_TREE = [
    {"id": "all", "name": "All", "subcategories": ["hats", "mugs"]},
    {"id": "hats", "name": "Hats", "subcategories": [], "parent": "all"},
    {"id": "mugs", "name": "Mugs", "subcategories": [], "parent": "all"},
]
_RESOLVER = LeafResolver(Taxonomy.from_nodes(_TREE))
_DATA = DataConfig(label_attribute="shelf")
_FOLDER = tempfile.TemporaryDirectory()

_texts = st.text(st.characters(codec=None), max_size=20) | st.sampled_from(
    ["", "hats", "Hats", "All > Mugs", ">", "\x00", "\ud800", "1", "groundtruth/custom", "NaN"]
)
_scalars = st.none() | st.booleans() | st.integers() | st.floats() | _texts
_json = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4),
    max_leaves=12,
)


def _objects(*keys: str) -> st.SearchStrategy:
    return st.dictionaries(st.sampled_from(keys) | _texts, _json, max_size=8)


_answers = st.lists(_objects("worker_id", "label") | _json, max_size=4)
_labels = _json | st.fixed_dictionaries(
    {}, optional={"workers": _answers, "confidence": _json, "result": _objects("shelf")}
)
_lines = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("id", "title", "description", "price", "source-ref", "gold"), _json),
        "source": _json,
        "shelf": _labels,
        "shelf-metadata": _objects("type", "confidence", "class-name", "failure-reason") | _json,
    },
)


@given(st.binary(max_size=200) | (_lines | _json).map(lambda value: json.dumps(value).encode()))
def manifest_lines(content: bytes) -> None:
    """A line is a product or a reject with a known reason."""
    for line in [*numbered_lines(io.BytesIO(content), longest=100), Line(1, content)]:
        outcome = labelled_product(read_record(line), _DATA, _RESOLVER)
        if isinstance(outcome, Reject):
            assert outcome.reason in REASONS
            json.dumps(outcome.to_json()).encode()
        else:
            assert outcome.label.category in ("hats", "mugs")


_nodes = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "id": st.sampled_from("abc") | _scalars,
            "name": _scalars,
            "parent": st.sampled_from("abc") | _scalars,
            "subcategories": st.lists(st.sampled_from("abc") | _scalars, max_size=3) | _json,
        },
    ),
    max_size=5,
)


@given(
    st.sampled_from(["tree.json", "tree.txt", "tree.csv", "tree.tsv"]),
    st.binary(max_size=200) | (_nodes | _json).map(lambda value: json.dumps(value).encode()),
)
def taxonomies(name: str, content: bytes) -> None:
    """A file is a tree whose leaves are found by their ids, or refused in one line."""
    path = Path(_FOLDER.name, name)
    path.write_bytes(content)
    try:
        tree = Taxonomy.load(str(path))
    except InputError as error:
        assert str(path) in str(error)
        return
    assert all(tree.is_leaf(leaf) and tree.depth(leaf) >= 1 for leaf in tree.leaves)


def _encoded(format_: str, mode: str, size: tuple[int, int]) -> bytes:
    stream = io.BytesIO()
    Image.new(mode, size, 1).save(stream, format_)
    return stream.getvalue()


_pictures = st.sampled_from(
    [
        _encoded(format_, mode, (24, 16))
        for format_, mode in (("JPEG", "RGB"), ("JPEG", "CMYK"), ("PNG", "RGBA"), ("PNG", "P"),
                              ("GIF", "P"), ("BMP", "RGB"), ("BMP", "L"), ("TIFF", "RGB"))
    ]
)  # fmt: skip


@given(_pictures, st.data())
def pictures(content: bytes, data: st.DataObject) -> None:
    """Bytes are a picture within the limit, or rejected with a known reason."""
    damaged = bytearray(content)
    places = st.integers(0, len(content) - 1)
    for _ in range(data.draw(st.integers(0, 6))):
        start, length = data.draw(places), data.draw(st.integers(0, 12))
        damaged[start : start + length] = data.draw(
            st.binary(max_size=12)
            | st.just(bytes(damaged[start : start + length]) * 20)
            | st.sampled_from([b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff"])
        )
    try:
        found = check_picture(bytes(damaged), MAX_PIXELS)
    except RejectedLine as why:
        assert why.reason in REASONS
        return
    assert 0 < found.width * found.height <= MAX_PIXELS


_yaml = st.lists(
    st.sampled_from(
        ["a: ", "- ", "&x ", "*x", "<<: ", "[", "]", "{", "}", ", ", "\n", "\n  ", ": ", "? ", "|",
         "!!int ", "!!timestamp ", "!!python/object:os.system ", "!!set ", "!!binary ", "---\n",
         "%YAML 1.1\n", "2020-13-45", "0x", "1e999", "~", "'", '"', "#", "\t", "=", "0b", ".nan"]
    )
    | st.text(max_size=3),
    max_size=40,
).map("".join)  # fmt: skip


@given(_yaml)
def settings_files(text: str) -> None:
    """A text is settings, or refused in one line."""
    for parse in (parse_mapping, parse_value):
        try:
            parse(text, "settings.yaml")
        except InputError as error:
            assert str(error).startswith("settings.yaml")


_products = st.lists(_objects("id", "name", "price", "images", "categories") | _json, max_size=4)
_pages = st.fixed_dictionaries(
    {},
    optional={
        "products": _products | _json,
        "total": st.integers(0, 5) | _scalars,
        "next": st.sampled_from("abc") | st.sampled_from(["?p=2", "//x", "http://["]) | _json,
        "more": _scalars,
    },
)
_PAGINGS = [
    Paging(kind="cursor", parameter="c", next="next", more="more", size=2, rounds=2),
    Paging(kind="next", next="next", total="total", size=2),
    Paging(kind="offset", parameter="o", total="total", size=3, overlap=2, most_missing=1),
    Paging(kind="page", parameter="p", total="total", size=3, most_missing=1),
]
_FIELDS = {
    "id": ["id"],
    "title": ["name", "categories[0]"],
    "price": ["price"],
    "image_urls": ["images[*]", "images"],
    "categories": ["categories[*].id", "categories[*]"],
}


class _Shop:
    """A service that gives these answers and then no more."""

    key = Key(None, "shop")
    same_origin = Service.same_origin
    _name, _origin = "shop", ("https", "shop.example", 443)

    def __init__(self, answers: list[bytes]):
        self._answers = iter(answers)

    def ask(self, url: str, headers: dict[str, str], expected: frozenset[int]) -> Reply:
        url.encode("ascii")
        try:
            return Reply(200, parsed(next(self._answers, b"")), {}, {})
        except ValueError as error:
            raise InputError(str(error)) from error


@given(
    st.lists(st.binary(max_size=50) | _pages.map(lambda v: json.dumps(v).encode()), max_size=6),
    st.sampled_from(_PAGINGS),
)
def service_answers(answers: list[bytes], paging: Paging) -> None:
    """Answers of a service are rows and rejects, or refused in one line."""
    address = "https://shop.example/products"
    reading = ServiceReading("shop", address, "products", paging, Plan([], []))
    mapper = Mapper(_FIELDS, {}, address, str)
    try:
        for page in Reader(reading, _Shop(answers), mapper, Progress()).pages():
            assert Progress.read(page.cursor).query == ()
            assert all(reject.reason and reject.place for reject in page.rejects)
    except InputError as error:
        assert len(str(error).splitlines()) == 1


TARGETS = {
    each.__name__: each
    for each in (
        manifest_lines,
        taxonomies,
        pictures,
        settings_files,
        service_answers,
        tensors,
        rest_bodies,
    )
}


def main(target: str, examples: int) -> None:
    """Fuzzes one target; the process ends with an error where it does not pass."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    warnings.simplefilter("ignore")
    settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )(TARGETS[target])()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1000)
