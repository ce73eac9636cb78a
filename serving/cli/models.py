"""`shelfsort models`: what is live, what was before, and the way back."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import click

from serving import versions
from shelfsort.core.errors import InputError
from shelfsort.core.storage import child_folders, join

_EVAL_FIGURES = ("accuracy", "coverage_at_95")
EXIT_DIFFERS = 1


def _options(command: Callable) -> Callable:
    decorators = (
        click.option(
            "--model-base-path",
            "base_path",
            required=True,
            metavar="DIR",
            help="The folder of one model's versions, or the folder of several such models.",
        ),
        click.option("--name", help="Which model, where DIR holds several."),
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
    )
    for decorator in reversed(decorators):
        command = decorator(command)
    return command


@click.group()
def models() -> None:
    """List, roll back, prune and verify pushed models.

    The live version is the one with the highest number. Servers that watch the folder follow by
    themselves, Shelfsort's and TensorFlow Serving alike.

    \b
    Examples:
      shelfsort models list --model-base-path out/serving
      shelfsort models rollback --model-base-path out/serving
      shelfsort models prune --keep 5 --model-base-path out/serving
      shelfsort models verify --model-base-path out/serving
    """


@models.command("list")
@_options
def list_models(base_path: str, name: str | None, as_json: bool) -> None:
    """List the versions, the live one marked, with their lineage.

    \b
    Examples:
      shelfsort models list --model-base-path out/serving
      shelfsort models list --model-base-path out/serving/products --json
    """
    found = {base: versions.list_versions(base) for base in _bases(base_path, name)}
    if as_json:
        records = [_record(base, v, held[-1]) for base, held in found.items() for v in held]
        click.echo(json.dumps(records, indent=2, ensure_ascii=False))
        return
    for base, held in found.items():
        click.echo(base)
        click.echo(_table([_row(version, held[-1]) for version in reversed(held)]))


@models.command()
@_options
@click.option("--to", type=int, metavar="VERSION", help="The version to return to.")
@click.option("--approved-by", help="Who decided it, for the lineage.")
def rollback(
    base_path: str, name: str | None, as_json: bool, to: int | None, approved_by: str | None
) -> None:
    """Put an older version live again: a copy of it becomes the newest. Nothing is deleted.

    Without --to it is the newest version that holds another model than the live one and was never
    rolled back from.

    \b
    Examples:
      shelfsort models rollback --model-base-path out/serving
      shelfsort models rollback --to 3 --approved-by "Ada Example" --model-base-path out/serving
    """
    base = _only_base(base_path, name)
    before = versions.live_version(base)
    version = versions.rollback(base, to, approved_by=approved_by)
    if as_json:
        click.echo(json.dumps(_record(base, version, version), indent=2, ensure_ascii=False))
        return
    click.echo(
        f"Version {version.number} is live: the model of version {version.lineage['rollback_of']}."
        f" Version {before.number} is withdrawn, and kept."
    )


@models.command()
@_options
@click.option("--keep", type=int, default=5, show_default=True, help="How many versions to keep.")
def prune(base_path: str, name: str | None, as_json: bool, keep: int) -> None:
    """Remove all but the newest versions. The live one stays.

    \b
    Examples:
      shelfsort models prune --keep 3 --model-base-path out/serving
    """
    removed = versions.prune(_only_base(base_path, name), keep)
    if as_json:
        click.echo(json.dumps({"removed": removed}))
        return
    for number in removed:
        click.echo(f"Removed version {number}.")
    if not removed:
        click.echo("Nothing to remove.")


@models.command()
@_options
@click.option("--version", "number", type=int, help="Only this version; else all of them.")
@click.pass_context
def verify(
    ctx: click.Context, base_path: str, name: str | None, as_json: bool, number: int | None
) -> None:
    """Compare the files of the versions with the digests recorded when they were pushed.

    Exit status 1 when a file is missing, changed or new.

    \b
    Examples:
      shelfsort models verify --model-base-path out/serving
      shelfsort models verify --version 3 --model-base-path out/serving --json
    """
    base = _only_base(base_path, name)
    chosen = (
        versions.list_versions(base) if number is None else [versions.find_version(base, number)]
    )
    findings = {version.number: versions.verify(version) for version in chosen}
    if as_json:
        records = [{"version": n, "problems": problems} for n, problems in findings.items()]
        click.echo(json.dumps(records, indent=2, ensure_ascii=False))
    else:
        for found, problems in findings.items():
            click.echo(f"version {found}: {'; '.join(problems) or 'as it was pushed'}")
    if any(findings.values()):
        ctx.exit(EXIT_DIFFERS)


def _bases(base_path: str, name: str | None) -> list[str]:
    """The base paths that DIR stands for. Raises InputError when it holds no version at all."""
    if name is None and versions.list_versions(base_path):
        return [base_path]
    names = [name] if name else child_folders(base_path)
    found = [join(base_path, n) for n in names if versions.list_versions(join(base_path, n))]
    if not found:
        what = base_path if name is None else join(base_path, name)
        raise InputError(
            f"{what}: no model versions. Give the folder `serving` of a run's output folder."
        )
    return found


def _only_base(base_path: str, name: str | None) -> str:
    found = _bases(base_path, name)
    if len(found) > 1:
        names = ", ".join(sorted(base.rsplit("/", 1)[1] for base in found))
        raise InputError(f"{base_path}: several models ({names}). Choose one with --name.")
    return found[0]


def _record(
    base: str, version: versions.ModelVersion, live: versions.ModelVersion
) -> dict[str, Any]:
    return {
        "model": base.rstrip("/").rsplit("/", 1)[-1],
        "version": version.number,
        "live": version.number == live.number,
        "path": version.path,
        "lineage": dict(version.lineage),
    }


def _row(version: versions.ModelVersion, live: versions.ModelVersion) -> list[str]:
    lineage = version.lineage
    held_out = lineage.get("metrics", {}).get("combined", {}).get("eval", {})
    return [
        str(version.number),
        "live" if version.number == live.number else "",
        str(lineage.get("pushed") or lineage.get("created") or "")[:16].replace("T", " "),
        *(_percent(held_out.get(figure)) for figure in _EVAL_FIGURES),
        str(lineage.get("backbone") or ""),
        version.digest[:12],
        _remark(lineage),
    ]


def _remark(lineage: dict[str, Any]) -> str:
    remarks = []
    if lineage.get("rollback_of"):
        remarks.append(f"rollback to {lineage['rollback_of']}")
    approver = lineage.get("rolled_back_by") or lineage.get("approved_by")
    if approver:
        remarks.append(f"approved by {approver}")
    return ", ".join(remarks)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _table(rows: Sequence[Sequence[str]]) -> str:
    header = ["version", "", "pushed", "accuracy", "covers 95%", "backbone", "digest", "remark"]
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  " + "  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
