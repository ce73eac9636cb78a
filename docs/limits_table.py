"""Writes the table of the model server's limits into docs/security.md, from the server's code."""

import re
from pathlib import Path

from serving.server.limits import table

PAGE = Path(__file__).with_name("security.md")
_BEGIN = "<!-- Written by `make docs-config` from serving/server/limits.py; do not edit. -->"
_END = "<!-- End of the table of limits. -->"
_BLOCK = re.compile(f"{re.escape(_BEGIN)}.*?{re.escape(_END)}", re.DOTALL)


def with_table(page: str) -> str:
    """The page with today's table in place of the one in it.

    Raises:
        ValueError: the page has no place for it, or several.
    """
    if len(_BLOCK.findall(page)) != 1:
        raise ValueError(f"{PAGE.name} must have one block between {_BEGIN} and {_END}")
    lines = [_BEGIN, "", "| limit | default | option |", "|---|---|---|"]
    for what, default, flag in table():
        lines.append(f"| {what} | {_shown(default)} | {f'`{flag}`' if flag else ''} |")
    return _BLOCK.sub(lambda _: "\n".join([*lines, "", _END]), page)


def _shown(value: float | None) -> str:
    return "none" if value is None else f"{value:,}".removesuffix(".0")


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text("utf-8")), "utf-8")
