"""Reads a guide: definitions and example pictures of categories, for the people who label."""

import posixpath
from typing import Any

from shelfsort.core import yaml
from shelfsort.core.errors import InputError
from shelfsort.core.storage import is_remote, join, local_path, read_bytes, scheme
from shelfsort.labeling.pages.tree import Guide
from shelfsort.products.images.thumbnails import thumbnail
from shelfsort.products.taxonomy import Taxonomy, UnknownLabel

_SIDE = 96
_LARGEST = 20_000_000
_KEYS = {"about", "examples"}
_MOST_EXAMPLES = 3
_FORM = "Write 'CATEGORY: {about: TEXT, examples: [PICTURE]}'."


def read_guide(file: str, tree: Taxonomy) -> Guide:
    """The guide in a YAML file such as `{Shoes > Boots: {about: …, examples: [boot.jpg]}}`.

    Pictures become small copies inside the page. They are named by a path, relative to the folder
    of the guide, or an address.

    Raises:
        InputError: the file is something else, or names a category or a picture that is not there.
    """
    document = yaml.read_mapping(file)
    about: dict[str, str] = {}
    examples: dict[str, tuple[str, ...]] = {}
    for name, entry in document.value.items():
        place = f"{file}:{document.lines.get((str(name),), 1)}"
        try:
            id_ = tree.named(str(name))
        except UnknownLabel as error:
            raise InputError(f"{place}: {error}. Use a category of the tree.") from error
        if not isinstance(entry, dict) or set(entry) - _KEYS:
            raise InputError(f"{place}: no guide to a category. {_FORM}")
        if text := entry.get("about"):
            about[id_] = _text(place, text)
        if pictures := entry.get("examples"):
            examples[id_] = _pictures(place, file, pictures)
    return Guide(about, examples)


def _text(place: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InputError(f"{place}: about is no text. {_FORM}")
    return " ".join(value.split())


def _pictures(place: str, file: str, given: Any) -> tuple[str, ...]:
    if not isinstance(given, list) or len(given) > _MOST_EXAMPLES:
        raise InputError(f"{place}: examples is no list of 1 to {_MOST_EXAMPLES} pictures. {_FORM}")
    folder = posixpath.dirname(file) or "."
    found = []
    for each in given:
        where = str(each)
        if not scheme(where) and not where.startswith("/"):
            where = join(folder, where)
        try:
            content = read_bytes(where if is_remote(where) else local_path(where), _LARGEST)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise InputError(f"{place}: {each}: cannot be read ({reason}). Correct it.") from error
        small = thumbnail(content, _SIDE)
        if small is None:
            raise InputError(f"{place}: {each}: is no picture. Give a JPEG, PNG or WebP file.")
        found.append(small)
    return tuple(found)
