"""Writes the page of a labelling job: a Ground Truth template or a Label Studio configuration."""

import json
import re
from dataclasses import dataclass

from shelfsort.core.errors import InputError
from shelfsort.core.files import refuse_inputs, write_bytes, write_text
from shelfsort.core.storage import absolute, files_beneath, join, scheme
from shelfsort.labeling.pages.guide import read_guide
from shelfsort.labeling.pages.label_studio_config import check_size, label_studio_config
from shelfsort.labeling.pages.tree import Guide, Node, picker_nodes, split_nodes
from shelfsort.labeling.pages.worker_template import (
    QUESTION,
    refuse_long_template,
    worker_template,
)
from shelfsort.products.taxonomy import Taxonomy

FIELDS = ("image", "title", "description", "price")
"""What people may be shown of a product."""
# Control characters and halves of surrogate pairs: https://www.w3.org/TR/xml/#charsets.
_NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Words:
    """What a page says to the people who label.

    Attributes:
        question: above the tree.
        instructions: below the question.
        guide: YAML file with definitions and example pictures of categories, "" for none.
    """

    question: str = QUESTION
    instructions: str = ""
    guide: str = ""


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        characters: of the page.
        categories: of the tree, without its root.
        files: of the tree beside the page.
        note: what to say of its size, "" for nothing.
    """

    characters: int
    categories: int
    files: int
    note: str = ""


def write_ground_truth_template(
    taxonomy: str, output: str, words: Words, tree_files: str = ""
) -> Written:
    """Writes the template, and the tree's files if `tree_files` names a folder for them.

    Raises:
        InputError: the template is longer than Ground Truth takes, the folder has files already,
            the output is the tree or the guide, or one of these cannot be read.
    """
    refuse_inputs(output, taxonomy, words.guide)
    nodes, tree = _nodes(taxonomy, words)
    addresses: list[str] = []
    contents: list[str] = []
    if tree_files:
        split = split_nodes(nodes)
        nodes = split.nodes
        folder = absolute(tree_files)
        _refuse_used(folder)
        contents = [json.dumps(each, ensure_ascii=False) for each in split.files]
        addresses = [join(folder, f"{number}.json") for number in range(len(contents))]
    template = worker_template(nodes, words.question, words.instructions, addresses)
    refuse_long_template(output, template)
    for address, content in zip(addresses, contents, strict=True):
        write_bytes(address, content.encode())
    write_text(absolute(output), template)
    return Written(len(template), len(tree) - 1, len(addresses))


def write_label_studio_config(
    taxonomy: str, output: str, words: Words, fields: tuple[str, ...] = FIELDS
) -> Written:
    """Writes the configuration.

    Raises:
        InputError: the output is the tree or the guide, the tree is larger than Label Studio can
            show, or as `label_studio_config`.
    """
    refuse_inputs(output, taxonomy, words.guide)
    nodes, tree = _nodes(taxonomy, words)
    config = label_studio_config(nodes, fields, words.question, words.instructions)
    note = check_size(taxonomy, config)
    write_text(absolute(output), config)
    return Written(len(config), len(tree) - 1, 0, note)


def _nodes(taxonomy: str, words: Words) -> tuple[list[Node], Taxonomy]:
    """The nodes that the page shows, and the tree that they are from.

    Raises:
        InputError: the tree or the guide cannot be read, or a page could not show one of the texts.
    """
    tree = Taxonomy.load(taxonomy)
    guide = read_guide(words.guide, tree) if words.guide else Guide()
    texts = [("--question", words.question), ("--instructions", words.instructions)]
    texts += [(taxonomy, tree.name(id_)) for id_ in tree.descending()]
    texts += [(words.guide, about) for about in guide.about.values()]
    for place, text in texts:
        if found := _NOT_IN_XML.search(text):
            raise InputError(
                f"{place}: {text[:80]!r} holds {found[0]!r}, which a page cannot show. Remove it."
            )
    return picker_nodes(tree, guide), tree


def _refuse_used(folder: str) -> None:
    try:
        used = files_beneath(folder)
    except FileNotFoundError:
        return
    if used:
        what = "address" if scheme(folder) else "folder"
        raise InputError(
            f"{folder}: the {what} has files already, and a job may use them. Choose another."
        )
