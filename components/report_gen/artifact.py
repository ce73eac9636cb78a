"""What ReportGen leaves behind: the page, the same in brief, and a relabelling manifest."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from components.documents import Document
from shelfsort.core.errors import InputError
from shelfsort.core.files import write_bytes
from shelfsort.core.storage import Place, join, read_bytes

PAGE_FILE = "index.html"
_RELABELLING_FILE = "relabel.manifest"
# Where pages of earlier versions, which had no report.json beside them, hold the same.
_IN_THE_PAGE = re.compile(rb'<script type="application/json" id="summary">([^<]*)</script>')


@dataclass(frozen=True)
class Report(Document):
    """A report in brief, for programs: `report.json`.

    Attributes:
        model_name: the name the model is served under.
        blessed: whether it may go live.
        failed, overruled: checks that failed, and those of them that a person let pass; each
            "check: reason".
        approved_by: that person; None where no approval was needed.
        n: eval products.
        figures: of all that a product has, on `eval`, by their names in `metrics.json`; {} where
            nothing was scored.
    """

    FILE: ClassVar[str] = "report.json"

    model_name: str
    blessed: bool
    failed: tuple[str, ...] = ()
    overruled: tuple[str, ...] = ()
    approved_by: str | None = None
    n: int = 0
    figures: Mapping[str, float | None] = field(default_factory=dict)

    @classmethod
    def of_page(cls, page: Place) -> "Report":
        """The report that a page belongs to.

        Args:
            page: `index.html`, with `report.json` beside it; of an earlier version, alone.

        Raises:
            InputError: it is no page of a report.
        """
        folder = str(page).removesuffix(PAGE_FILE) or "."
        if found := cls.find(folder) if str(page).endswith(PAGE_FILE) else None:
            return found
        written = _IN_THE_PAGE.search(read_bytes(page))
        if not written:
            raise InputError(
                f"{page}: is no report. Give the --output folder of a finished `shelfsort run`."
            )
        return cls.from_json(written.group(1), str(page))


def write_page(folder: str, page: bytes) -> None:
    """Writes the page; last of all, for where it is, the report is whole."""
    write_bytes(join(folder, PAGE_FILE), page)


def write_relabelling(folder: str, lines: Iterable[str]) -> None:
    """Writes a manifest of what to label again, JSON Lines."""
    write_bytes(join(folder, _RELABELLING_FILE), "".join(f"{line}\n" for line in lines).encode())
