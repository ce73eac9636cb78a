"""Plots over days, without scripts: bars, lines and bands as SVG."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from html import escape

_WIDTH, _HEIGHT = 720, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 84, 14, 14, 40
_TICKS = 4
_DATES = 6


@dataclass(frozen=True)
class Bars:
    """Bars that stand on each other.

    Attributes:
        parts: name and height on each day of each part, the lowest first.
        looks: of each part: 0 for plain, 1 for pale, 2 for bad.
    """

    parts: Sequence[tuple[str, Sequence[float]]]
    looks: Sequence[int] = (0, 1, 2)


@dataclass(frozen=True)
class Line:
    """A line; None where a day has no value.

    Attributes:
        name: of it.
        values: of each day.
        band: lower and upper bound of each day, drawn around it.
    """

    name: str
    values: Sequence[float | None]
    band: Sequence[tuple[float, float] | None] = ()


@dataclass(frozen=True)
class Plot:
    """What is drawn over the days.

    Attributes:
        title: for people who cannot see it.
        days: dates.
        low, high: ends of the axis of values.
        shown: how a value is written.
        bars: that stand at each day.
        lines: above them.
        level: name and height of a line from side to side.
        marked: days that are marked as bad.
        log: whether the axis is logarithmic.
    """

    title: str
    days: Sequence[date]
    low: float
    high: float
    shown: Callable[[float], str]
    bars: Bars | None = None
    lines: Sequence[Line] = ()
    level: tuple[str, float] | None = None
    marked: Sequence[bool] = field(default_factory=tuple)
    log: bool = False

    def draw(self) -> str:
        """The plot as SVG with its legend."""
        parts = [*self._grid(), *self._marks(), *self._bars()]
        for number, line in enumerate(self.lines):
            parts += self._line(line, number)
        parts += self._level()
        return (
            f'<figure>{self._legend()}<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
            f'aria-label="{escape(self.title)}">{"".join(parts)}</svg></figure>'
        )

    def _x(self, place: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (place + 0.5) / max(len(self.days), 1)

    def _y(self, value: float) -> float:
        low, high, at = self.low, self.high, min(max(value, self.low), self.high)
        if self.log:
            low, high, at = math.log10(low), math.log10(high), math.log10(at)
        share = (at - low) / (high - low) if high > low else 0.0
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * share

    def _grid(self) -> list[str]:
        if self.log:
            ends = math.log10(self.low), math.log10(self.high)
            values = [10 ** (ends[0] + (ends[1] - ends[0]) * n / _TICKS) for n in range(_TICKS + 1)]
        else:
            step = (self.high - self.low) / _TICKS
            values = [self.low + step * n for n in range(_TICKS + 1)]
        drawn = [
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{self._y(v):.1f}" '
            f'y2="{self._y(v):.1f}"/><text class="name" x="{_LEFT - 8}" y="{self._y(v) + 4:.1f}">'
            f"{escape(self.shown(v))}</text>"
            for v in values
        ]
        every = max(1, math.ceil(len(self.days) / _DATES))
        drawn += [
            f'<text class="tick" x="{self._x(n):.1f}" y="{_HEIGHT - 12}">{day.day} {day:%b}</text>'
            for n, day in enumerate(self.days)
            if n % every == 0 and self._x(n) < _WIDTH - 40
        ]
        return drawn

    def _marks(self) -> list[str]:
        width = self._x(1) - self._x(0)
        return [
            f'<rect class="mark" x="{self._x(n) - width / 2:.1f}" y="{_TOP}" width="{width:.1f}" '
            f'height="{_HEIGHT - _TOP - _BOTTOM}"/>'
            for n, bad in enumerate(self.marked)
            if bad
        ]

    def _bars(self) -> list[str]:
        if self.bars is None:
            return []
        width = max((self._x(1) - self._x(0)) * 0.8, 0.8)
        drawn = []
        for n, day in enumerate(self.days):
            base, words = 0.0, []
            pieces = []
            for look, (name, heights) in zip(self.bars.looks, self.bars.parts, strict=False):
                top = base + heights[n]
                words.append(f"{name} {self.shown(heights[n])}")
                y = self._y(top)
                pieces.append(
                    f'<rect class="bar{look}" x="{self._x(n) - width / 2:.1f}" y="{y:.1f}" '
                    f'width="{width:.1f}" height="{max(self._y(base) - y, 0):.1f}"/>'
                )
                base = top
            words_ = escape(f"{day}: {', '.join(words)}")
            drawn.append(f"<g><title>{words_}</title>{''.join(pieces)}</g>")
        return drawn

    def _line(self, line: Line, number: int) -> list[str]:
        drawn, run = [], []
        band = [
            (self._x(n), self._y(both[0]), self._y(both[1]))
            for n, both in enumerate(line.band)
            if both is not None
        ]
        if len(band) > 1:
            upper = " L".join(f"{x:.1f} {high:.1f}" for x, _, high in band)
            lower = " L".join(f"{x:.1f} {low:.1f}" for x, low, _ in reversed(band))
            drawn.append(f'<path class="band" d="M{upper} L{lower} Z"/>')
        for n, value in enumerate([*line.values, None]):
            if value is not None:
                run.append((self._x(n), self._y(value)))
                continue
            if len(run) > 1:
                points = " L".join(f"{x:.1f} {y:.1f}" for x, y in run)
                drawn.append(f'<path class="path" d="M{points}"/>')
            run = []
        drawn += [
            self._dot(line, n, value) for n, value in enumerate(line.values) if value is not None
        ]
        return [f'<g class="line{number}">', *drawn, "</g>"]

    def _dot(self, line: Line, n: int, value: float) -> str:
        words = f"{self.days[n]}: {line.name} {self.shown(value)}"
        if line.band and (both := line.band[n]) is not None:
            words += f", {self.shown(both[0])} to {self.shown(both[1])}"
        return (
            f'<circle cx="{self._x(n):.1f}" cy="{self._y(value):.1f}" r="2.5">'
            f"<title>{escape(words)}</title></circle>"
        )

    def _level(self) -> list[str]:
        if self.level is None:
            return []
        y = self._y(self.level[1])
        return [
            f'<line class="level" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        ]

    def _legend(self) -> str:
        kinds: list[tuple[str, str]] = []
        if self.bars is not None:
            named = zip(self.bars.looks, self.bars.parts, strict=False)
            kinds = [(f"bar{look}", name) for look, (name, _) in named]
        kinds += [(f"line{n}", line.name) for n, line in enumerate(self.lines)]
        kinds += [("level", self.level[0])] if self.level else []
        items = "".join(f'<li><i class="{kind}"></i>{escape(name)}</li>' for kind, name in kinds)
        return f'<ul class="legend">{items}</ul>'
