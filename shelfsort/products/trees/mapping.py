"""A mapping file: what the categories of one version of a tree are in the next."""

import csv
import io
from collections.abc import Iterable

from shelfsort.core.errors import InputError
from shelfsort.core.files import write_text
from shelfsort.core.storage import read_input
from shelfsort.products.taxonomy import Taxonomy, UnknownLabel
from shelfsort.products.trees.difference import ADDED, Change

_COLUMNS = ("from", "to")


def load_mapping(path: str, old: Taxonomy, new: Taxonomy) -> dict[str, str]:
    """The mapping in a CSV file with the columns `from` and `to`: `{id in old: id in new}`.

    Both name categories by id, full path or unique name. A line without `to` carries nothing over.

    Raises:
        InputError: unreadable, not of this form, or naming what a tree does not have.
    """
    try:
        text = read_input(path, "mapping").decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 ({error.reason}). Save it as UTF-8.") from error
    table = csv.DictReader(io.StringIO(text, newline=""))
    mapping: dict[str, str] = {}
    try:
        if missing := [name for name in _COLUMNS if name not in (table.fieldnames or ())]:
            raise InputError(f"{path}: no column {missing[0]!r}. Give a CSV file with from and to.")
        for row in table:
            source, target = (row.get(name) or "" for name in _COLUMNS)
            where = f"{path}:{table.line_num}"
            if not target.strip():
                continue
            id_ = _named(old, source, f"{where}: old tree")
            into = _named(new, target, f"{where}: new tree")
            if mapping.setdefault(id_, into) != into:
                raise InputError(f"{where}: {source!r} is mapped twice. Keep one of these lines.")
    except csv.Error as error:
        raise InputError(f"{path}:{table.reader.line_num}: {error}. Save it as CSV.") from error
    return mapping


def write_mapping(path: str, changes: Iterable[Change], old: Taxonomy, new: Taxonomy) -> int:
    """Writes a mapping of every old leaf that a change is about; returns how many lines.

    A person fills in `to` where it is empty, and confirms the lines that are marked as likely.
    """
    lines = io.StringIO(newline="")
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow([*_COLUMNS, "change", "likely"])
    seen: set[str] = set()
    for change in changes:
        if change.kind == ADDED or change.old in seen or not old.is_leaf(change.old):
            continue
        seen.add(change.old)
        likely = "yes" if change.likely else ""
        writer.writerow([change.old, change.new, change.kind, likely])
    write_text(path, lines.getvalue())
    return len(seen)


def _named(tree: Taxonomy, category: str, where: str) -> str:
    try:
        return tree.named(category)
    except UnknownLabel as error:
        raise InputError(f"{where}: {error}. Use categories of the two trees.") from error
