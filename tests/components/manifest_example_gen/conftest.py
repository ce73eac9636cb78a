import io
import json

import pytest
from PIL import Image

TREE = [
    {"id": "main", "name": "Main", "subcategories": ["clothes", "shoes"]},
    {
        "id": "clothes",
        "name": "Clothes",
        "subcategories": ["shirts", "trousers"],
        "parent": "main",
    },
    {"id": "shirts", "name": "Shirts", "subcategories": [], "parent": "clothes"},
    {"id": "trousers", "name": "Trousers", "subcategories": [], "parent": "clothes"},
    {"id": "shoes", "name": "Shoes", "subcategories": [], "parent": "main"},
]


def voted(labels, **fields):
    """A line of a custom job in which each of `labels` is one worker's answer."""
    workers = [{"worker_id": f"w{n}", "label": label} for n, label in enumerate(labels)]
    return {
        **fields,
        "shelf": {"workers": workers},
        "shelf-metadata": {"type": "groundtruth/custom"},
    }


def encoded(format_="JPEG", size=(24, 16), colour=(200, 30, 30), **options):
    """The bytes of a picture of one colour."""
    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, format_, **options)
    return stream.getvalue()


class Catalogue:
    """A folder with a manifest, pictures and a taxonomy, made line by line."""

    def __init__(self, folder):
        self.folder = folder
        self.manifest = str(folder / "labelled.manifest")
        self.taxonomy = str(folder / "taxonomy.json")
        (folder / "taxonomy.json").write_text(json.dumps(TREE))
        (folder / "images").mkdir()
        self.lines = []

    def picture(self, name, content=None):
        """Writes a picture and returns its reference."""
        (self.folder / "images" / name).write_bytes(encoded() if content is None else content)
        return f"images/{name}"

    def add(self, record):
        """Appends a line: an object, or raw bytes."""
        self.lines.append(record if isinstance(record, bytes) else json.dumps(record).encode())

    def write(self):
        """Writes the manifest and returns its path."""
        with open(self.manifest, "wb") as stream:  # noqa: PTH123 - a str path
            stream.writelines(line + b"\n" for line in self.lines)
        return self.manifest


@pytest.fixture
def catalogue(tmp_path):
    folder = tmp_path / "catalogue"
    folder.mkdir()
    return Catalogue(folder)


@pytest.fixture
def make_line():
    return voted


@pytest.fixture
def make_picture():
    return encoded


@pytest.fixture
def tree_nodes():
    return TREE
