"""The report of a catalogue as one HTML file, without scripts."""

import functools
from collections import Counter
from dataclasses import dataclass
from importlib import resources

import jinja2

from shelfsort.catalog.output.figures import GOOD, UNTRIED, LinkFigures, side_range
from shelfsort.catalog.output.report import Report
from shelfsort.core.web.document import document

_CLASSES, _UNMAPPED = 60, 20


@dataclass(frozen=True)
class Bar:
    """A line of a chart: its `share` of the longest is in [0, 1]."""

    name: str
    count: int
    share: float


def report_page(report: Report) -> bytes:
    """Draws the page.

    Returns:
        HTML, UTF-8. It names no address outside itself and runs no script.
    """
    figures = report.figures
    body = _environment().get_template("report.html")
    content = body.render(
        report=report,
        figures=figures,
        classes=bars(figures.classes, _CLASSES),
        more_classes=max(0, len(figures.classes) - _CLASSES),
        unmapped=bars(figures.unmapped, _UNMAPPED),
        states=_states(figures.links),
        sides=[
            Bar(side_range(least), figures.sides[least], _share(figures.sides, least))
            for least in sorted(figures.sides)
        ],
        formats=bars(figures.formats, 10),
        rejected=sum(each.passes[0].rejected for each in figures.sources if each.passes),
    )
    return document(f"Catalogue {report.name}", content, style=_static("report.css"))


def bars(counts: Counter[str], most: int) -> list[Bar]:
    """The largest counts, each with its share of the largest of all."""
    return [Bar(name, count, _share(counts, name)) for name, count in counts.most_common(most)]


def state_name(state: str) -> str:
    """The state of a link in words."""
    return state.replace("_", " ") if state else "not tried"


def _states(links: LinkFigures) -> list[Bar]:
    """Good links, the failures by number, and what is not tried."""
    failures = [state for state, _ in links.states.most_common() if state not in (GOOD, UNTRIED)]
    found = [state for state in (GOOD, *failures, UNTRIED) if links.states[state]]
    return [
        Bar(state_name(state), links.states[state], _share(links.states, state)) for state in found
    ]


def _share(counts: Counter, key: object) -> float:
    return counts[key] / max(counts.values())


def _percent(share: float | None) -> str:
    """A share as a percentage; never rounded to 0 or 100 where it is neither."""
    if share is None:
        return "–"
    shown = f"{share:.1%}"
    if shown == "100.0%" and share < 1:
        shown = "99.9%"
    if shown == "0.0%" and share > 0:
        shown = "<\u202f0.1%"
    return shown.replace("%", "\u202f%")


def _size(count: int) -> str:
    """A number of bytes in a unit that a person reads."""
    size = float(count)
    for unit in ("bytes", "kB", "MB"):
        if size < 1_000:
            return f"{size:,.0f} {unit}"
        size /= 1_000
    return f"{size:,.1f} GB"


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__, ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=_percent, size=_size, count=lambda number: f"{number:,}", state=state_name
    )
    return environment


def _static(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")
