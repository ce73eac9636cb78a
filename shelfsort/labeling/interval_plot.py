"""Plots without scripts: intervals in rows, and lines over small whole numbers."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

_WIDTH = 720
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
Row = tuple[str, float, float, float, str]
"""Name, value, lower and upper end in [0, 1], and the value in words."""


@dataclass(frozen=True)
class Series:
    """A line.

    Attributes:
        name: of it.
        values: in [0, 1], one for each place.
        dashed_from: the index of the first point that is expected and not measured.
    """

    name: str
    values: Sequence[float]
    dashed_from: int


def interval_plot(rows: Sequence[Row], title: str, warned: Collection[str] = ()) -> str:
    """A dot and a line for each row; those in `warned` are marked as bad."""
    drawn = "".join(_interval(row, row[0] in warned) for row in rows)
    ticks = "".join(f'<i style="left:{tick:.0%}">{tick:.0%}</i>' for tick in _TICKS)
    axis = f'<li class="axis" aria-hidden="true"><span class="track">{ticks}</span></li>'
    return f'<ul class="intervals" aria-label="{escape(title)}">{drawn}{axis}</ul>'


def line_plot(places: Sequence[int], series: Sequence[Series], title: str, below: str) -> str:
    """Lines over whole numbers, dashed where they are expected."""
    height, left, right = 260, 76, 140
    top, bottom = 14, height - 44
    step = (_WIDTH - left - right) / max(len(places) - 1, 1)
    x = [left + step * n for n in range(len(places))]

    def y(value: float) -> float:
        return bottom - (bottom - top) * value

    parts = [
        f'<line x1="{left}" x2="{_WIDTH - right}" y1="{y(t):.1f}" y2="{y(t):.1f}" class="grid"/>'
        f'<text x="{left - 10}" y="{y(t) + 4:.1f}" class="name">{t:.0%}</text>'
        for t in _TICKS
    ]
    parts += [
        f'<text x="{at:.1f}" y="{bottom + 20}" class="tick">{n}</text>'
        for at, n in zip(x, places, strict=True)
    ]
    middle = (left + _WIDTH - right) / 2
    parts.append(f'<text x="{middle}" y="{height - 6}" class="tick">{escape(below)}</text>')
    # Names stand apart, even where lines end at one height.
    ends = [y(each.values[-1]) for each in series]
    order = sorted(range(len(series)), key=lambda n: ends[n])
    for before, after in pairwise(order):
        ends[after] = max(ends[after], ends[before] + 17)
    for number, (each, end) in enumerate(zip(series, ends, strict=True)):
        points = [(at, y(value)) for at, value in zip(x, each.values, strict=True)]
        solid, dashed = points[: each.dashed_from], points[max(each.dashed_from - 1, 0) :]
        dots = "".join(
            f'<circle cx="{px:.1f}" cy="{py:.1f}" r="4"><title>'
            f"{escape(f'{each.name}, {n}: {value:.1%}')}</title></circle>"
            for (px, py), n, value in zip(points, places, each.values, strict=True)
        )
        parts.append(
            f'<g class="line{number}">{_path(solid, "")}{_path(dashed, " dashed")}{dots}'
            f'<text x="{x[-1] + 12:.1f}" y="{end + 4:.1f}">{escape(each.name)}</text></g>'
        )
    return _svg(height, title, "".join(parts))


def _path(points: Sequence[tuple[float, float]], kind: str) -> str:
    if len(points) < 2:
        return ""
    drawn = " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return f'<path d="M{drawn}" class="path{kind}"/>'


def _interval(row: Row, bad: bool) -> str:
    name, value, low, high, shown = row
    style = f"left:{low:.2%};width:{high - low:.2%}"
    return (
        f'<li{" class=warned" if bad else ""}><span class="name"><bdi>{escape(name)}</bdi></span>'
        f'<span class="track" title="{low:.1%} to {high:.1%}"><i class="span" style="{style}"></i>'
        f'<i class="dot" style="left:{value:.2%}"></i></span>'
        f'<span class="shown">{escape(shown)}</span></li>'
    )


def _svg(height: float, title: str, content: str) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height:.0f}" role="img" aria-label="{escape(title)}">'
        f"{content}</svg>"
    )
