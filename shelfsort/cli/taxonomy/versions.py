"""`shelfsort taxonomy diff | migrate`: two versions of a tree."""

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence

import click

from shelfsort.cli.taxonomy.tree import json_option, say, say_json
from shelfsort.core.errors import InputError
from shelfsort.core.files import refuse_inputs, same_place
from shelfsort.core.storage import absolute
from shelfsort.products.manifest.files import find_manifest_files
from shelfsort.products.manifest.lines import Line, file_lines
from shelfsort.products.tables.forms import Form, form_of
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.products.trees.difference import KINDS, Change, difference
from shelfsort.products.trees.mapping import load_mapping, write_mapping
from shelfsort.products.trees.migration import Carrier, Outcome
from shelfsort.products.trees.migration import migrate as migrate_lines

_SHOWN = 10


@click.command(short_help="List what differs between two versions of a tree.")
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option("--mapping", help="CSV file that says what old categories (from) are now (to).")
@click.option("--mapping-output", help="CSV file to write: a mapping to review, for migrate.")
@click.option("--all", "all_changes", is_flag=True, help="Print every change, not the first 10.")
@json_option
def diff(
    old: str,
    new: str,
    mapping: str | None,
    mapping_output: str | None,
    all_changes: bool,
    as_json: bool,
) -> None:
    """List what was added, moved, renamed, merged and deleted between two versions of a tree.

    Categories are the same if the mapping says so, or if they have the same id or path. Changes
    that follow from names alone are marked as likely. --mapping-output writes a mapping to review:
    one line for each old leaf that changed, with an empty `to` where nothing is known.

    \b
    Examples:
      shelfsort taxonomy diff old.json new.json
      shelfsort taxonomy diff old.json new.json --mapping-output mapping.csv
    """
    refuse_inputs(mapping_output, old, new, mapping, option="--mapping-output")
    before, after = Taxonomy.load(old), Taxonomy.load(new)
    known = load_mapping(mapping, before, after) if mapping else {}
    changes = difference(before, after, known)
    written = (
        write_mapping(absolute(mapping_output), changes, before, after) if mapping_output else 0
    )
    if as_json:
        counts = Counter(each.kind for each in changes)
        records = [_record(each, before, after) for each in changes]
        say_json({"counts": {kind: counts[kind] for kind in KINDS}, "changes": records})
        return
    say(_changes(changes, before, after, None if all_changes else _SHOWN))
    if mapping_output:
        say([f"{mapping_output}: {written:,} leaves to review"])


@click.command(short_help="Carry labels over to another version of a tree.")
@click.argument("manifest", metavar="MANIFEST")
@click.option("--from", "old", required=True, help="Tree that the labels are from.")
@click.option("--to", "new", required=True, help="Tree that the labels are carried over to.")
@click.option("--mapping", help="CSV file that says what old categories (from) are now (to).")
@click.option("--output", required=True, help="Manifest to write.")
@click.option("--rest", required=True, help="Manifest to write of the lines that are set aside.")
@json_option
def migrate(
    manifest: str, old: str, new: str, mapping: str | None, output: str, rest: str, as_json: bool
) -> None:
    """Carry the labels of a manifest over to another version of its tree.

    Every worker's answer, the job's result and gold are carried over. A line with a label that
    cannot be is written to --rest as it was, and listed with the reason, so no line is lost.

    \b
    Examples:
      shelfsort taxonomy migrate labelled.manifest --from old.json --to new.json \\
          --mapping mapping.csv --output new.manifest --rest rest.manifest
    """
    sources = find_manifest_files(absolute(manifest))
    refuse_inputs(output, *sources, old, new, mapping)
    refuse_inputs(rest, *sources, old, new, mapping, option="--rest")
    if same_place(output, rest):
        raise InputError(f"{rest}: given twice. Give --output and --rest names of their own.")
    outputs = [absolute(output), absolute(rest)]
    before, after = Taxonomy.load(old), Taxonomy.load(new)
    known = load_mapping(mapping, before, after) if mapping else {}
    outcome = migrate_lines(_lines(sources), Carrier(before, after, known).label, *outputs)
    if as_json:
        say_json(_outcome_record(outcome))
    else:
        say(_outcome_lines(outcome, output, rest))


def _lines(sources: Sequence[str]) -> Iterator[Line]:
    for source in sources:
        if form_of(source) not in (Form.MANIFEST, Form.JSON_LINES):
            raise InputError(f"{source}: no manifest. Give a labelled manifest (JSON Lines).")
        yield from file_lines(source)


def _changes(
    changes: Sequence[Change], old: Taxonomy, new: Taxonomy, limit: int | None
) -> list[str]:
    if not changes:
        return ["The two trees have the same categories."]
    lines = []
    for kind in KINDS:
        same = [each for each in changes if each.kind == kind]
        if same:
            lines.append(f"{len(same):,} {kind}")
            lines += [f"  {_readable(each, old, new)}" for each in same[:limit]]
        if limit is not None and len(same) > limit:
            lines.append(f"  and {len(same) - limit:,} more (--all prints them)")
    return lines


def _readable(each: Change, old: Taxonomy, new: Taxonomy) -> str:
    before = old.path(each.old) if each.old else ""
    after = new.path(each.new) if each.new else ""
    likely = "  (likely)" if each.likely else ""
    return " -> ".join(filter(None, (before, after))) + likely


def _record(each: Change, old: Taxonomy, new: Taxonomy) -> dict[str, object]:
    return {
        **dataclasses.asdict(each),
        "old_path": old.path(each.old) if each.old else "",
        "new_path": new.path(each.new) if each.new else "",
    }


def _outcome_lines(outcome: Outcome, output: str, rest: str) -> list[str]:
    lines = [
        f"{output}: {outcome.carried:,} lines; {sum(outcome.labels.values()):,} labels changed",
        *(f"  {n:,} x {a} -> {b}" for (a, b), n in outcome.labels.most_common(_SHOWN)),
        f"{rest}: {outcome.rest:,} lines set aside",
    ]
    for (label, why), n in outcome.not_carried.most_common(_SHOWN):
        named = f"{label!r} " if label else ""
        lines.append(f"  {n:,} x {named}{why}; the first: {outcome.first[label, why]}")
    more = len(outcome.not_carried) - _SHOWN
    return [*lines, f"  and {more:,} more labels (--json lists all)"] if more > 0 else lines


def _outcome_record(outcome: Outcome) -> dict[str, object]:
    return {
        "carried": outcome.carried,
        "rest": outcome.rest,
        "labels": [{"from": a, "to": b, "n": n} for (a, b), n in outcome.labels.most_common()],
        "not_carried": [
            {"label": label, "reason": why, "lines": n, "first": outcome.first[label, why]}
            for (label, why), n in outcome.not_carried.most_common()
        ],
    }
