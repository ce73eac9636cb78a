"""Which attribute of a manifest's lines holds the label."""

from collections import Counter
from collections.abc import Sequence

from shelfsort.core.errors import InputError
from shelfsort.products.manifest.annotations import (
    CUSTOM,
    METADATA_SUFFIX,
    READABLE_TYPES,
    label_types,
)
from shelfsort.products.manifest.parsing import Record, read_record
from shelfsort.products.tables.lines import all_product_lines
from shelfsort.products.tables.rows import Reading

_DEFAULT = Reading()

# Attributes on fewer lines than this share of the main one's are taken for strays.
_STRAY_SHARE = 0.1
_NAMES_SHOWN = 10
_LONGEST_NAME = 100
_OPTION = "--set data.label_attribute=NAME"


class LabelAttributes:
    """The label attributes of the lines seen so far."""

    def __init__(self, files: Sequence[str], option: str = _OPTION):
        """`files` of the manifest, and the option that names an attribute, for error messages."""
        self._files = files
        self._option = option
        self._types: Counter[tuple[str, str]] = Counter()
        self._first_fault: str = ""

    def add(self, record: Record) -> None:
        """Counts the attributes of a line."""
        if record.fault is not None:
            if not (record.line.too_long or self._first_fault):
                line = record.line
                self._first_fault = f"{line.file}:{line.number}: {record.fault}"
            return
        for attribute, type_ in label_types(record.fields).items():
            value = record.fields.get(attribute)
            kept_workers = isinstance(value, dict) and "workers" in value
            self._types[attribute, CUSTOM if kept_workers and not type_ else type_] += 1

    @property
    def readable(self) -> list[str]:
        """Attributes whose labels can be read, sorted by name."""
        return sorted({attribute for attribute, type_ in self._types if type_ in READABLE_TYPES})

    def only(self) -> str:
        """The only readable attribute, those on a stray line aside.

        Raises:
            InputError: there is none, or several.
        """
        readable = self.readable
        main = max(readable, key=self._lines, default="")
        strays = sum(self._lines(name) for name in readable if name != main)
        if main and _STRAY_SHARE * self._lines(main) >= strays:
            return main
        if readable:
            names = ", ".join(repr(name[:_LONGEST_NAME]) for name in readable[:_NAMES_SHOWN])
            names += ", …" if len(readable) > _NAMES_SHOWN else ""
            raise InputError(
                f"{self._named()}: {len(readable)} label attributes ({names}). "
                f"Choose one with {self._option}."
            )
        if self._first_fault and not self._types:
            raise InputError(f"{self._first_fault}. Give a manifest of JSON Lines.")
        others = ", ".join(
            f"{name[:_LONGEST_NAME]!r} of type {type_[:_LONGEST_NAME] or 'unknown'!r}"
            for name, type_ in sorted(self._types)[:_NAMES_SHOWN]
        )
        found = f" (found {others}, which cannot be read)" if others else ""
        raise InputError(
            f"{self._named()}: no label attribute{found}. No line has a NAME{METADATA_SUFFIX} "
            f"whose type is {', '.join(sorted(READABLE_TYPES))}. "
            f"Give a labelled manifest, or name it with {self._option}."
        )

    def _lines(self, attribute: str) -> int:
        """On how many lines a readable attribute stands."""
        return sum(self._types[attribute, type_] for type_ in READABLE_TYPES)

    def missing(self, attribute: str) -> InputError:
        """The error where no line has the configured attribute."""
        names = sorted({name for name, _ in self._types})
        there = ", ".join(repr(name[:_LONGEST_NAME]) for name in names[:_NAMES_SHOWN]) or "none"
        return InputError(
            f"{self._named()}: no line has the label attribute {attribute!r} (found: {there}). "
            f"Choose one with {self._option}."
        )

    def _named(self) -> str:
        first, more = self._files[0], len(self._files) - 1
        return f"{first} and {more:,} more" if more else first


def find_label_attribute(
    files: Sequence[str], how: Reading = _DEFAULT, option: str = _OPTION
) -> str:
    """The only label attribute of a manifest's files; reads all of them.

    Args:
        files: of the manifest.
        how: tables are read.
        option: that names an attribute, for error messages.

    Raises:
        InputError: a file is missing, empty or not JSON, or has no label attribute or several.
    """
    attributes = LabelAttributes(files, option)
    for line in all_product_lines(files, how):
        attributes.add(read_record(line))
    return attributes.only()


def first_label_attribute(files: Sequence[str], how: Reading = _DEFAULT) -> str:
    """The first readable label attribute, wherever in the files it stands; others may follow.

    Raises:
        InputError: as `find_label_attribute`, but for several attributes.
    """
    attributes = LabelAttributes(files)
    for line in all_product_lines(files, how):
        attributes.add(read_record(line))
        if readable := attributes.readable:
            return readable[0]
    return attributes.only()
