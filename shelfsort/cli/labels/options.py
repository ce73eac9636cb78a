"""Options that several commands about labels share."""

import click

from shelfsort.core.errors import InputError
from shelfsort.labeling.pages.written import FIELDS

GROUND_TRUTH, LABEL_STUDIO = "ground-truth", "label-studio"

target_option = click.option(
    "--for",
    "target",
    type=click.Choice([GROUND_TRUTH, LABEL_STUDIO]),
    default=GROUND_TRUTH,
    show_default=True,
    help="Where people label.",
)
fields_option = click.option(
    "--fields",
    multiple=True,
    default=[",".join(FIELDS)],
    show_default=True,
    metavar="NAME,NAME",
    help="What people see of a product. Repeatable.",
)


def parse_fields(*texts: str) -> tuple[str, ...]:
    """The names in each `--fields`. Raises InputError for others than `FIELDS`."""
    text = ",".join(texts)
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in names if name not in FIELDS]
    if unknown or not set(names) - {"price"}:
        raise InputError(
            f"--fields {text!r}: {f'no field {unknown[0]!r}' if unknown else 'shows no product'}. "
            f"Choose from {', '.join(FIELDS)}, with one besides price."
        )
    return names
