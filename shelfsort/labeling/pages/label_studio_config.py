"""The labelling configuration of a Label Studio project that asks for a leaf of a tree."""

import re
from collections.abc import Collection, Iterable, Sequence
from xml.sax.saxutils import quoteattr

from shelfsort.core.errors import InputError
from shelfsort.labeling.answers import UNSURE
from shelfsort.labeling.pages.tree import Node
from shelfsort.labeling.pages.worker_template import QUESTION

CATEGORY, IMAGE_PROBLEM, COMMENT = "category", "image_problem", "comment"
"""Names of the controls, by which answers are read."""
SLOW_FROM, MOST_CATEGORIES = 3_000, 30_000
"""Categories from which Label Studio's page takes seconds for each product, and the most that it is
given; docs/labelling_jobs.md has the figures."""
_REMEDY = (
    "Label with a smaller tree (`shelfsort taxonomy reduce`), or on the labelling page: "
    "`shelfsort label`."
)
_NOT_LOADED = "The image does not load"
_CHOICE = re.compile(r"<Choice\b([^>]*)>")
_NO_CATEGORY = tuple(f"value={quoteattr(each)}" for each in (UNSURE, _NOT_LOADED))
_TEXTS = ("title", "description", "price")


def label_studio_config(
    nodes: Sequence[Node],
    fields: Collection[str],
    question: str = QUESTION,
    instructions: str = "",
) -> str:
    """The configuration as XML.

    Args:
        nodes: of the tree, as `tree.picker_nodes` makes them.
        fields: of each task that are shown: `image`, `title`, `description`, `price`.
        question: that the people are asked.
        instructions: below the question.

    Raises:
        InputError: a path of the tree means several categories, so an answer could not be read.
    """
    shown = "text" if set(fields) & set(_TEXTS) else "image"
    lines = ["<View>"]
    if "image" in fields:
        lines += ['  <Image name="image" value="$image" maxWidth="480px"/>']
    lines += [
        f'  <Text name="{"text" if name == first else name}" value="${name}"/>'
        for first in [next((each for each in _TEXTS if each in fields), "")]
        for name in _TEXTS
        if name in fields
    ]
    lines += [f"  <Header value={quoteattr(question)}/>"]
    if instructions:
        lines += [f'  <Header size="5" value={quoteattr(instructions)}/>']
    lines += [
        f'  <Taxonomy name="{CATEGORY}" toName="{shown}" leafsOnly="true" showFullPath="true" '
        # By default the list is as narrow as one short word.
        'maxUsages="1" minWidth="480px" required="true" requiredMessage="Choose a category.">',
        f"    <Choice value={quoteattr(UNSURE)}/>",
        *_choices(nodes, "    "),
        "  </Taxonomy>",
    ]
    if "image" in fields:
        lines += [
            f'  <Choices name="{IMAGE_PROBLEM}" toName="image" choice="multiple">',
            f"    <Choice value={quoteattr(_NOT_LOADED)}/>",
            "  </Choices>",
        ]
    lines += [
        f'  <TextArea name="{COMMENT}" toName="{shown}" placeholder="Comment" maxSubmissions="1"/>',
        "</View>",
    ]
    return "\n".join(lines) + "\n"


def check_size(place: str, config: str) -> str:
    """What to say of the size of a configuration, "" where it needs no word.

    Args:
        place: of the configuration, for the message.
        config: as XML.

    Raises:
        InputError: it has more categories than the page is fit for.
    """
    choices = _CHOICE.findall(config)
    categories = sum(not any(each in said for each in _NO_CATEGORY) for said in choices)
    if categories > MOST_CATEGORIES:
        raise InputError(
            f"{place}: has {categories:,} categories, and Label Studio's page is too slow for more "
            f"than {MOST_CATEGORIES:,}. {_REMEDY}"
        )
    if categories < SLOW_FROM:
        return ""
    return f"Label Studio's page will take seconds to show each product. {_REMEDY}"


def _choices(nodes: Iterable[Node], indent: str) -> Iterable[str]:
    for node in nodes:
        if "label" in node:
            raise InputError(
                f"{node['name']!r} ({node['id']}) shares its path with another category, and Label "
                "Studio answers with paths. Rename one of them."
            )
        hint = f" hint={quoteattr(node['about'])}" if "about" in node else ""
        opening = f"{indent}<Choice value={quoteattr(node['name'])}{hint}"
        if children := node.get("children"):
            yield f"{opening}>"
            yield from _choices(children, indent + "  ")
            yield f"{indent}</Choice>"
        else:
            yield f"{opening}/>"
