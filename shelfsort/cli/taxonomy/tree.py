"""`shelfsort taxonomy check | search | build | save`: one tree by itself."""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import click

from shelfsort.core.errors import InputError
from shelfsort.core.files import refuse_inputs, write_json
from shelfsort.core.storage import absolute
from shelfsort.core.terminal import json_text, one_line
from shelfsort.products.tables.forms import form_of, rows_of
from shelfsort.products.tables.rows import Reading, Row
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.products.taxonomy_files import TreeFile, read_tree_file
from shelfsort.products.taxonomy_forms import nodes_of_paths, path_parts
from shelfsort.products.trees.findings import REMEDIES, Finding, Shape, findings, shape
from shelfsort.products.trees.search import Match
from shelfsort.products.trees.search import search as search_tree

_FINDINGS_SHOWN = 3

file_argument = click.argument("file", metavar="FILE")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def say(lines: Sequence[str]) -> None:
    """Prints lines that may hold names from outside."""
    for line in lines:
        click.echo(one_line(line))


def say_json(content: Any) -> None:
    """Prints one line of JSON."""
    click.echo(json_text(content))


@click.command(short_help="Say what a tree holds, and what is likely to confuse.")
@file_argument
@json_option
def check(file: str, as_json: bool) -> None:
    """Say what a tree holds, and what is likely to confuse people or readers of labels.

    The exit status is 0 if FILE is a tree, whatever was found in it, and 2 if it is none.

    \b
    Examples:
      shelfsort taxonomy check tree.json
      shelfsort taxonomy check taxonomy-with-ids.en-US.txt --json
    """
    read = read_tree_file(file)
    tree = Taxonomy.of_file(read)
    size, found = shape(tree), findings(tree)
    if as_json:
        say_json(
            {
                "file": file,
                "form": read.form,
                "version": tree.version,
                **dataclasses.asdict(size),
                "findings": [_finding_record(read, tree, each) for each in found],
            }
        )
    else:
        say(_checked(read, tree, size, found))


@click.command(short_help="Find categories by words.")
@file_argument
@click.argument("words", nargs=-1, required=True)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Most categories to print.",
)
@json_option
def search(file: str, words: tuple[str, ...], limit: int, as_json: bool) -> None:
    """Find categories whose path holds every one of WORDS, or whose id they are.

    Case and accents make no difference. The best matches come first.

    \b
    Examples:
      shelfsort taxonomy search tree.json dog food
      shelfsort taxonomy search tree.json ap-2-1 --json
    """
    tree = Taxonomy.load(file)
    wanted = " ".join(words)
    found, total = search_tree(tree, wanted, limit)
    if as_json:
        say_json({"total": total, "categories": [dataclasses.asdict(each) for each in found]})
        return
    if not found:
        near = "; ".join(tree.nearest(wanted))
        say([f"no category has {wanted!r} in its path" + (f". Nearest: {near}" if near else "")])
        return
    say(_matches(found, total))


@click.command(short_help="Build a tree from paths, tables, products or published trees.")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option("--column", help="Column of SOURCE that holds category paths, such as category.")
@click.option("--output", required=True, help="JSON file to write.")
@json_option
def build(sources: tuple[str, ...], column: str | None, output: str, as_json: bool) -> None:
    """Build a tree from SOURCE: paths, a table, Google's or Shopify's taxonomy, or products.

    With --column each SOURCE is a table of products, and the tree holds their categories. One
    SOURCE keeps its ids. The tree of several has paths as ids.

    \b
    Examples:
      shelfsort taxonomy build paths.txt --output tree.json
      shelfsort taxonomy build taxonomy-with-ids.en-US.txt --output tree.json
      shelfsort taxonomy build categories.txt --output shopify.json
      shelfsort taxonomy build products.csv --column category --output tree.json
    """
    refuse_inputs(output, *sources)
    if column is not None:
        tree = _of_products(sources, column)
    elif len(sources) == 1:
        tree = Taxonomy.load(sources[0])
    else:
        trees = [Taxonomy.load(source) for source in sources]
        tree = Taxonomy.from_nodes(
            nodes_of_paths(each.path(leaf) for each in trees for leaf in each.leaves)
        )
    write_tree(tree, output, as_json)


@click.command(short_help="Write a tree in the project's own form.")
@file_argument
@click.option("--output", required=True, help="JSON file to write.")
@json_option
def save(file: str, output: str, as_json: bool) -> None:
    """Write a tree in the project's own form: JSON with ids, names, subcategories and parents.

    The order of the leaves stays, and so does the version, which is a digest of the tree.

    \b
    Examples:
      shelfsort taxonomy save tree.csv --output tree.json
    """
    refuse_inputs(output, file)
    write_tree(Taxonomy.load(file), output, as_json)


def write_tree(tree: Taxonomy, output: str, as_json: bool) -> None:
    """Writes a tree and says what was written."""
    write_json(absolute(output), tree.to_nodes())
    size = shape(tree)
    if as_json:
        written = {"output": output, "version": tree.version}
        say_json({**written, "categories": size.categories, "leaves": size.leaves})
    else:
        say([f"{output}: {_size(size)}, version {tree.version}"])


def _of_products(sources: Sequence[str], column: str) -> Taxonomy:
    paths = dict.fromkeys(
        path for source in sources for path in _paths_of(source, column) if path_parts(path)
    )
    if not paths:
        raise InputError(f"{sources[0]}: no row has a category in {column!r}. Name another column.")
    return Taxonomy.from_nodes(nodes_of_paths(paths))


def _paths_of(source: str, column: str) -> Iterator[str]:
    rows = (row for row in rows_of(source, form_of(source), Reading()) if isinstance(row, Row))
    first = next(rows, None)
    if first is None:
        raise InputError(f"{source}: the table has no rows. Give one with a product in each.")
    if column not in first.cells:
        there = ", ".join(repr(name) for name in list(first.cells)[:10])
        raise InputError(f"{source}: no column {column!r}. Choose one of: {there}.")
    for row in itertools.chain([first], rows):
        yield str(row.cells.get(column) or "")


def _checked(read: TreeFile, tree: Taxonomy, size: Shape, found: Sequence[Finding]) -> list[str]:
    levels = ", ".join(f"{count:,}" for count in size.leaves_by_level)
    lines = [
        f"{read.path}: {read.form}",
        f"  {_size(size)} on {size.levels} levels ({levels} leaves from the top down)",
        f"  most subcategories: {size.widest_children:,} of {_shown(tree, size.widest)}",
        f"  version {tree.version}",
    ]
    if not found:
        return [*lines, "Nothing to correct."]
    for kind, remedy in REMEDIES.items():
        same = [each for each in found if each.kind == kind]
        if not same:
            continue
        lines.append(f"{len(same):,} x {remedy}")
        for each in same[:_FINDINGS_SHOWN]:
            line = read.line_of(each.category)
            place = f"{read.path}:{line}: " if line else ""
            other = f" and {_shown(tree, each.other)}" if each.other else ""
            lines.append(f"  {place}{_shown(tree, each.category)}{other}")
        if len(same) > _FINDINGS_SHOWN:
            lines.append(f"  and {len(same) - _FINDINGS_SHOWN:,} more (--json lists all)")
    return lines


def _finding_record(read: TreeFile, tree: Taxonomy, each: Finding) -> dict[str, Any]:
    return {
        **dataclasses.asdict(each),
        "path": tree.path(each.category),
        "line": read.line_of(each.category),
        "remedy": REMEDIES[each.kind],
    }


def _size(size: Shape) -> str:
    return f"{size.categories:,} categories, {size.leaves:,} of them leaves"


def _shown(tree: Taxonomy, id_: str) -> str:
    """A category as a person finds it: its path, and its id where that is another text."""
    path = tree.path(id_)
    if not path:
        return "the root"
    return f"{path!r}" if path == id_ else f"{path!r} ({id_})"


def _matches(found: Sequence[Match], total: int) -> list[str]:
    lines = []
    for each in found:
        beneath = "" if each.leaf else f"  ({each.leaves:,} leaves)"
        lines.append(f"{each.path}{'' if each.id == each.path else f'  [{each.id}]'}{beneath}")
    return [*lines, f"{total - len(found):,} more"] if total > len(found) else lines
