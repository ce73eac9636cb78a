"""Carries the labels of a manifest over from one version of a tree to the next."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from shelfsort.core import files
from shelfsort.core.errors import InputError
from shelfsort.products.manifest.annotations import METADATA_SUFFIX, label_types
from shelfsort.products.manifest.lines import Line
from shelfsort.products.manifest.parsing import read_record
from shelfsort.products.manifest.writing import exact_line, write_manifest
from shelfsort.products.taxonomy import AmbiguousLabel, Taxonomy, UnknownLabel


class NotCarried(LookupError):  # noqa: N818 - reads as the verdict it is
    """A label that the new tree has no leaf for; the message says why."""


@dataclass
class Outcome:
    """What became of a manifest's lines.

    Attributes:
        carried: number of lines in the new manifest.
        rest: number of lines that were set aside, each as it was.
        labels: how many labels of each spelling became another one, `{(old, new): n}`.
        not_carried: how many lines each label set aside, with the reason: `{(label, why): n}`.
        first: where each of these labels stands first, `file:line`.
    """

    carried: int = 0
    rest: int = 0
    labels: Counter[tuple[str, str]] = field(default_factory=Counter)
    not_carried: Counter[tuple[str, str]] = field(default_factory=Counter)
    first: dict[tuple[str, str], str] = field(default_factory=dict)


class Carrier:
    """Carries labels over."""

    def __init__(self, old: Taxonomy, new: Taxonomy, mapping: Mapping[str, str]):
        """`mapping` says what categories of `old` are in `new`, by id."""
        self._old, self._new, self._mapping = old, new, mapping

    def label(self, label: str) -> str:
        """The label in the new tree: an id where `label` was one, else a path.

        Raises:
            NotCarried: the old tree does not have it, or the new one has no leaf for it.
        """
        try:
            id_ = self._old.find(label)
        except AmbiguousLabel as error:
            raise NotCarried("could mean several categories of the old tree") from error
        except UnknownLabel as error:
            raise NotCarried("not in the old tree") from error
        into = self._mapping.get(id_) or self._same(id_)
        if into is None:
            raise NotCarried("deleted, and not in the mapping")
        if not self._new.is_leaf(into):
            raise NotCarried("has subcategories in the new tree; map it to one of them")
        return self._written(label, id_, into)

    def _same(self, id_: str) -> str | None:
        return id_ if id_ in self._new else self._by_path.get(self._old.path(id_))

    @cached_property
    def _by_path(self) -> dict[str, str]:
        return {self._new.path(each): each for each in self._new.descending()}

    def _written(self, label: str, id_: str, into: str) -> str:
        if id_ == into and self._means(label, into):
            return label
        forms = [into, self._new.path(into)] if label.strip() == id_ else [self._new.path(into)]
        return next((form for form in forms if self._means(form, into)), into)

    def _means(self, label: str, id_: str) -> bool:
        try:
            return self._new.resolve(label) == id_
        except UnknownLabel:
            return False


def migrate(lines: Iterable[Line], carry: Callable[[str], str], output: str, rest: str) -> Outcome:
    """Writes a manifest with the labels carried over, and the lines that cannot be, as they were.

    A line is set aside whole if one of its labels, the workers' answers and `gold` among them,
    cannot be carried over, or if it is no JSON object that can be written again. Each line is in
    exactly one of the files.

    Args:
        lines: of the manifest.
        carry: the new label for an old one; raises NotCarried.
        output: of the lines carried over.
        rest: of the others.

    Raises:
        InputError: a line is longer than a manifest's may be.
    """
    outcome = Outcome()
    with files.writing(rest) as aside:

        def kept() -> Iterator[Mapping[str, Any]]:
            for line in lines:
                fields = _carried(line, carry, outcome)
                if fields is None:
                    outcome.rest += 1
                    aside.write(line.content + b"\n")
                else:
                    outcome.carried += 1
                    yield fields

        write_manifest(output, kept())
    return outcome


def _carried(line: Line, carry: Callable[[str], str], outcome: Outcome) -> Mapping[str, Any] | None:
    """The fields with the labels carried over; None where one cannot be."""
    record = read_record(line)
    place = f"{line.file}:{line.number}"
    if line.too_long:
        raise InputError(f"{place}: {record.fault}. Remove the line.")
    if record.fault is not None:
        _set_aside(outcome, "", str(record.fault), place)
        return None
    changed: Counter[tuple[str, str]] = Counter()

    def new(label: Any) -> Any:
        if not isinstance(label, str | int) or isinstance(label, bool) or not str(label).strip():
            return label
        try:
            into = carry(str(label))
        except NotCarried as error:
            raise NotCarried(str(label), str(error)) from error
        if into == str(label):
            return label
        changed[str(label), into] += 1
        return into

    try:
        fields = _with_labels(record.fields, new)
    except NotCarried as error:
        label, why = error.args
        _set_aside(outcome, label, why, place)
        return None
    try:
        exact_line(fields)
    except (ValueError, RecursionError) as error:
        _set_aside(outcome, "", f"cannot be written as JSON ({error})", place)
        return None
    outcome.labels += changed
    return fields


def _set_aside(outcome: Outcome, label: str, why: str, place: str) -> None:
    outcome.not_carried[label, why] += 1
    outcome.first.setdefault((label, why), place)


def _with_labels(fields: Mapping[str, Any], new: Callable[[Any], Any]) -> dict[str, Any]:
    """A line's fields with every label replaced, and the others untouched."""
    complete = dict(fields)
    for attribute in label_types(fields):
        metadata = dict(fields[attribute + METADATA_SUFFIX])
        if "class-name" in metadata:
            metadata["class-name"] = new(metadata["class-name"])
            complete[attribute + METADATA_SUFFIX] = metadata
            continue
        if attribute in fields:
            complete[attribute] = _value(fields[attribute], attribute, new)
    if "gold" in fields:
        complete["gold"] = new(fields["gold"])
    return complete


def _value(value: Any, attribute: str, new: Callable[[Any], Any]) -> Any:
    if not isinstance(value, dict):
        return new(value)
    complete = dict(value)
    if isinstance(value.get("workers"), list):
        complete["workers"] = [
            {**each, "label": new(each["label"])}
            if isinstance(each, dict) and "label" in each
            else each
            for each in value["workers"]
        ]
    result = value.get("result")
    if isinstance(result, dict) and attribute in result:
        complete["result"] = {**result, attribute: new(result[attribute])}
    return complete
