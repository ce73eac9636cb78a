"""Checks the input of a job before the job is paid for."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from shelfsort.core.errors import InputError
from shelfsort.core.storage import read_input, scheme
from shelfsort.labeling.answer_files import json_record
from shelfsort.labeling.jobs.tasks import MOST_LINE_BYTES
from shelfsort.labeling.pages.label_studio_config import check_size
from shelfsort.labeling.pages.worker_template import refuse_long_template
from shelfsort.products.manifest.annotations import METADATA_SUFFIX
from shelfsort.products.manifest.lines import file_lines
from shelfsort.products.personal_data import has_personal_data

_SERVED_BY_LABEL_STUDIO = "/data/"
_VARIABLE = re.compile(r"\bvalue(?:List)?\s*=\s*[\"']\$(\w+)[\"']")


def ground_truth_lines(manifest: str, attribute: str, public: bool) -> int:
    """Checks each line of a Ground Truth input; returns how many there are.

    Args:
        manifest: path or address.
        attribute: that the job will write.
        public: whether strangers will see the products.

    Raises:
        InputError: the first line that the job could not carry, or should not.
    """
    count = 0
    for line in file_lines(manifest):
        place, fields = f"{manifest}:{line.number}", json_record(line).fields
        if len(line.content) > MOST_LINE_BYTES:
            raise InputError(
                f"{place}: has {len(line.content):,} bytes, and Ground Truth takes "
                f"{MOST_LINE_BYTES:,}. Shorten the description."
            )
        _refuse_labelled(place, fields, attribute)
        image = fields.get("source-ref")
        if image is not None and not str(image).startswith("s3://"):
            raise InputError(
                f"{place}: the image is not in S3, where Ground Truth reads it. Write the manifest "
                "with --copy-images s3://…."
            )
        if not (image or fields.get("source")):
            raise InputError(
                f"{place}: has neither source-ref nor source. Write the manifest with `shelfsort "
                "labels manifest`."
            )
        if public and has_personal_data(f"{fields.get('title')}\n{fields.get('description')}"):
            raise InputError(
                f"{place}: has an e-mail address or a telephone number, and strangers would see "
                "it. Write the manifest with --public."
            )
        count += 1
    return count


def label_studio_lines(
    manifest: str, attribute: str, fields: Collection[str]
) -> list[dict[str, Any]]:
    """The lines of a manifest whose images a browser may get from Label Studio.

    Raises:
        InputError: the first line that a project could not show.
    """
    lines = []
    for line in file_lines(manifest):
        place, held = f"{manifest}:{line.number}", dict(json_record(line).fields)
        _refuse_labelled(place, held, attribute)
        if not held.get("id"):
            raise InputError(
                f"{place}: no id, by which answers are joined. Write the manifest with "
                "`shelfsort labels manifest`."
            )
        image = str(held.get("source-ref") or "")
        served = scheme(image) or image.startswith(_SERVED_BY_LABEL_STUDIO)
        if "image" in fields and image and not served:
            raise InputError(
                f"{place}: the image is a file of this machine. Write the manifest with "
                "--copy-images or --image-url."
            )
        lines.append(held)
    return lines


def checked_template(place: str) -> str:
    """The text of a template that Ground Truth takes.

    Raises:
        InputError: it is too long, has no form, or is no Liquid.
    """
    from shelfsort.labeling.preview.liquid_page import LiquidPage

    text = read_input(place, "template").decode("utf-8", "replace")
    refuse_long_template(place, text)
    if "<crowd-form" not in text:
        raise InputError(f"{place}: has no crowd-form, which sends the answer. Add one.")
    LiquidPage(place, text, str).render({})
    return text


def checked_config(place: str, fields: Collection[str]) -> str:
    """The text of a labelling configuration that names no other fields.

    Raises:
        InputError: it names a field that the tasks will not have, or is larger than Label Studio
            can show.
    """
    text = read_input(place, "labelling configuration").decode("utf-8", "replace")
    for name in _VARIABLE.findall(text):
        if name not in fields:
            raise InputError(
                f"{place}: shows ${name}, which is not among label_studio.fields "
                f"({', '.join(fields)}). Make them agree."
            )
    check_size(place, text)
    return text


def _refuse_labelled(place: str, fields: Mapping[str, Any], attribute: str) -> None:
    if attribute in fields or attribute + METADATA_SUFFIX in fields:
        raise InputError(
            f"{place}: has {attribute!r} already, which the job would write over. Choose another "
            "attribute."
        )
