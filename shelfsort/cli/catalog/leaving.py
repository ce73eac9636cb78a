"""Options and lines that the commands about what leaves the catalogue share."""

from collections import Counter
from typing import get_args

import click

from shelfsort.catalog.output.selection import REASONS, OnePer

sources_option = click.option(
    "--source", "sources", multiple=True, metavar="NAME", help="Source to take from. Default: all."
)
one_per_option = click.option(
    "--one-per",
    type=click.Choice(get_args(OnePer)),
    default="picture",
    show_default=True,
    help="Keep one product for each picture, for each group of variants, or all products.",
)


def left_out_lines(left_out: Counter[str]) -> list[str]:
    """A line for each reason, the most frequent first."""
    return [
        f"  left out: {count:,} ({REASONS[reason]})" for reason, count in left_out.most_common()
    ]
