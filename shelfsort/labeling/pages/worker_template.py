"""The page of one task in Amazon SageMaker Ground Truth: a Liquid template with crowd elements."""

import html
import re
from collections.abc import Sequence
from importlib import resources

from shelfsort.core.errors import InputError
from shelfsort.core.web.inline import script_json
from shelfsort.core.web.style import style_sheet
from shelfsort.labeling.pages.tree import Node

MOST_CHARACTERS = 128_000
"""Of a template and of a task's input:
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UiTemplate.html"""
QUESTION = "Which category is it?"
_PLACEHOLDER = re.compile("%([A-Z]+)%")
_IN_LIQUID = str.maketrans({"{": "&#123;", "}": "&#125;", "%": "&#37;"})


def worker_template(
    nodes: Sequence[Node],
    question: str = QUESTION,
    instructions: str = "",
    files: Sequence[str] = (),
) -> str:
    """The template, whatever the names in the tree hold.

    Args:
        nodes: of the tree, as `tree.picker_nodes` makes them, or of the top of a tree in files.
        question: that the people are asked.
        instructions: below the question.
        files: address of each file of the tree. Ground Truth signs those in S3 for the worker.

    Raises:
        InputError: an address cannot stand in a template.
    """
    parts = {
        "STYLE": style_sheet() + picker_part("picker.css") + picker_part("worker.css"),
        "SCRIPT": picker_part("picker.js") + picker_part("worker.js"),
        "QUESTION": _text(question),
        "INSTRUCTIONS": _text(instructions),
        "TREE": _without_liquid(script_json(list(nodes))),
        "FILES": "\n".join(_file(number, place) for number, place in enumerate(files)),
    }
    return _PLACEHOLDER.sub(lambda found: parts[found[1]], picker_part("worker.html"))


def refuse_long_template(name: str, template: str) -> None:
    """Raises InputError where a template is longer than Ground Truth takes."""
    if len(template) > MOST_CHARACTERS:
        raise InputError(
            f"{name}: the template has {len(template):,} characters, and Ground Truth takes "
            f"{MOST_CHARACTERS:,}. Write the tree to a folder in S3 with --tree-files, reduce it, "
            "or shorten the guide."
        )


def picker_part(name: str) -> str:
    """A file of this package, such as `picker.js`."""
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def _text(text: str) -> str:
    return html.escape(text).translate(_IN_LIQUID)


def _without_liquid(json: str) -> str:
    """Between values of JSON no brace meets another, so both marks can only stand in strings."""
    return json.replace("{{", "{\\u007b").replace("{%", "{\\u0025")


def _file(number: int, place: str) -> str:
    if re.search(r"[\"'{}<>\s]", place):
        raise InputError(f"{place}: has quotes, brackets or blanks. Choose another address.")
    public = place.startswith(("https://", "http://"))
    signed = place if public else f'{{{{ "{place}" | grant_read_access }}}}'
    return f'<a hidden id="tree-file-{number}" href="{signed}"></a>'
