"""Joins the exports of several projects that asked different people about the same products."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from shelfsort.core.errors import InputError
from shelfsort.labeling.import_job import Imported, read_export

_REPEATED = "repeated_answer"


def read_exports(sources: Sequence[str], field: str = "") -> Imported:
    """The answers of all exports by product; an answer of one export follows those of the former.

    Args:
        sources: as `import_job.read_export` takes them, all of one kind.
        field: of a Ground Truth answer that holds the label.

    Raises:
        InputError: an export cannot be read; or some name products by line, and others by id.
    """
    found = [read_export(source, field) for source in sources]
    if len(found) == 1:
        return found[0]
    if len({each.by_line for each in found}) > 1:
        raise InputError(
            f"{sources[-1]}: names products otherwise than {sources[0]}. Import one kind at a time."
        )
    entries: dict[str, list[dict[str, Any]]] = {}
    fields: dict[str, Mapping[str, Any]] = {}
    counts: Counter[str] = Counter()
    for each in found:
        counts += each.counts
        for product, given in each.entries.items():
            entries.setdefault(product, []).extend(given)
            fields.setdefault(product, each.fields[product])
    counts[_REPEATED] = sum(map(_repeated, entries.values()))
    return Imported(entries, fields, found[0].by_line, counts)


def _repeated(entries: Sequence[Mapping[str, Any]]) -> int:
    workers = [each["worker_id"] for each in entries if each["worker_id"]]
    return len(workers) - len(set(workers))
