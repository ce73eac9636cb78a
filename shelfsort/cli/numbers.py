"""Types of options that are numbers."""

import math
from typing import Any

import click

PORT = click.IntRange(0, 65_535)
"""Of a port; 0 for a free one."""
MOST_DAYS = 36_500
"""A century: calendars end."""


class FiniteRange(click.FloatRange):
    """Finite numbers in a range: to click, `nan` lies in every one."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{number} is not a finite number.", param, ctx)
        return number
