"""`shelfsort models`: lists, describes, rolls back, prunes, verifies and exports versions."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from serving import versions
from serving.archive import write_archive
from serving.model_card import model_card
from shelfsort.cli.tables import Column, table_lines, terminal_width
from shelfsort.contract.figures import coverage, labels, targets_of
from shelfsort.contract.model_files import ENCODER, FINE_TUNED
from shelfsort.contract.targets import DEFAULT_TARGETS
from shelfsort.core.errors import InputError
from shelfsort.core.files import write_bytes
from shelfsort.core.storage import child_folders, is_remote, join, local_path
from shelfsort.core.terminal import json_text, one_line

EXIT_DIFFERS = 1


def _options(command: Callable) -> Callable:
    decorators = (
        click.option(
            "--model-base-path",
            "base_path",
            required=True,
            metavar="DIR",
            help="Folder of one model's versions, or folder of several models.",
        ),
        click.option("--name", help="Name of the model, if DIR contains several."),
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
    )
    for decorator in reversed(decorators):
        command = decorator(command)
    return command


@click.group()
def models() -> None:
    """List, describe, roll back, prune, verify and export pushed models.

    The version with the highest number is live. Shelfsort's server and TensorFlow Serving watch the
    folder and pick up changes by themselves.

    \b
    Examples:
      shelfsort models list --model-base-path out/serving
      shelfsort models card --model-base-path out/serving
      shelfsort models rollback --model-base-path out/serving
      shelfsort models prune --keep 5 --model-base-path out/serving
      shelfsort models verify --model-base-path out/serving
      shelfsort models export --target sagemaker --model-base-path out/serving --output model.tar.gz
    """


@models.command("list")
@_options
def list_models(base_path: str, name: str | None, as_json: bool) -> None:
    """List the versions with their lineage, and mark the live one.

    \b
    Examples:
      shelfsort models list --model-base-path out/serving
      shelfsort models list --model-base-path out/serving/products --json
    """
    found = {base: versions.list_versions(base) for base in _bases(base_path, name)}
    if as_json:
        records = [
            _record(base, version, versions.newest_whole(held))
            for base, held in found.items()
            for version in held
        ]
        click.echo(json_text(records, indent=2))
        return
    for base, held in found.items():
        click.echo(one_line(base))
        click.echo("\n".join(_table(held)))


@models.command()
@_options
@click.option("--version", "number", type=int, help="Version to describe. Default: the live one.")
@click.option("--output", metavar="FILE", help="File to write; s3:// will do. Default: print it.")
def card(
    base_path: str, name: str | None, as_json: bool, number: int | None, output: str | None
) -> None:
    """Write the model card of a version, as Markdown.

    The card says what the model is for, its data, figures with intervals, thresholds and guarantee,
    limits, cost to serve, and the licences of pretrained weights.

    \b
    Examples:
      shelfsort models card --model-base-path out/serving
      shelfsort models card --version 3 --model-base-path out/serving --output card.md
    """
    base = _only_base(base_path, name)
    version = _chosen(base, number)
    text = model_card(_model_name(base), version)
    if output:
        _refuse_within(base, output)
        write_bytes(output, text.encode())
    if as_json:
        click.echo(json_text({"version": version.number, "card": text}, indent=2))
    elif output:
        click.echo(one_line(f"{output}: card of version {version.number}."))
    else:
        click.echo(text, nl=False)


@models.command()
@_options
@click.option("--to", type=int, metavar="VERSION", help="Version to return to.")
@click.option("--approved-by", help="Name of the person who decided it, for the lineage.")
def rollback(
    base_path: str, name: str | None, as_json: bool, to: int | None, approved_by: str | None
) -> None:
    """Make an older version live again.

    The command publishes a copy of the older version under the next number, and deletes nothing.
    Without --to it chooses the newest version with a different model that was never rolled back.

    \b
    Examples:
      shelfsort models rollback --model-base-path out/serving
      shelfsort models rollback --to 3 --approved-by "Ada Example" --model-base-path out/serving
    """
    base = _only_base(base_path, name)
    before = versions.live_version(base)
    version = versions.rollback(base, to, approved_by=approved_by)
    if as_json:
        click.echo(json_text(_record(base, version, version), indent=2))
        return
    click.echo(
        f"Version {version.number} is live, with the model of version"
        f" {version.lineage['rollback_of']}. Version {before.number} is kept, but no longer live."
    )


@models.command()
@_options
@click.option("--keep", type=int, default=5, show_default=True, help="Number of versions to keep.")
def prune(base_path: str, name: str | None, as_json: bool, keep: int) -> None:
    """Remove all but the newest versions. The live version stays.

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
@click.option("--version", "number", type=int, help="Verify only this version. Default: all.")
@click.pass_context
def verify(
    ctx: click.Context, base_path: str, name: str | None, as_json: bool, number: int | None
) -> None:
    """Compare the versions' files with the digests recorded at the push.

    The exit status is 1 if a file is missing, changed or new.

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
        click.echo(json_text(records, indent=2))
    else:
        for found, problems in findings.items():
            click.echo(one_line(f"version {found}: {'; '.join(problems) or 'unchanged'}"))
    if any(findings.values()):
        ctx.exit(EXIT_DIFFERS)


@models.command()
@_options
@click.option(
    "--target",
    type=click.Choice(["sagemaker"]),
    required=True,
    help="The service that is to load the model.",
)
@click.option("--version", "number", type=int, help="Version to export. Default: the live one.")
@click.option("--output", required=True, metavar="FILE", help="Archive to write; s3:// will do.")
def export(
    base_path: str, name: str | None, as_json: bool, target: str, number: int | None, output: str
) -> None:
    """Write a version as the archive that another service loads.

    The archive is model.tar.gz in the layout of SageMaker's TensorFlow Serving container, for an
    endpoint or Batch Transform. A version whose files have changed since the push is refused.

    \b
    Examples:
      shelfsort models export --target sagemaker --model-base-path out/serving --output model.tar.gz
      shelfsort models export --target sagemaker --version 3 --model-base-path out/serving \\
        --output s3://models/products/model.tar.gz
    """
    base = _only_base(base_path, name)
    version = _chosen(base, number)
    if found := versions.problems(version):
        raise InputError(
            f"{version.path}: {found[0]}. Export a version that `models verify` passes."
        )
    _refuse_within(base, output)
    model = _model_name(base)
    size = write_archive(version, model, output)
    if as_json:
        record = {"target": target, "model": model, "version": version.number, "bytes": size}
        click.echo(json_text({**record, "output": output}, indent=2))
        return
    megabytes = size / 1e6
    click.echo(one_line(f"{output}: version {version.number} of {model}, {megabytes:.1f} MB."))


def _bases(base_path: str, name: str | None) -> list[str]:
    """The base paths of the models in DIR. Raises InputError if there is no version at all."""
    if name is None and versions.list_versions(base_path):
        return [base_path]
    names = [name] if name else child_folders(base_path)
    found = [join(base_path, n) for n in names if versions.list_versions(join(base_path, n))]
    if not found:
        what = base_path if name is None else join(base_path, name)
        raise InputError(
            f"{what}: no model versions found. Give the folder `serving` of a run's output folder."
        )
    return found


def _only_base(base_path: str, name: str | None) -> str:
    found = _bases(base_path, name)
    if len(found) > 1:
        names = ", ".join(sorted(base.rsplit("/", 1)[1] for base in found))
        raise InputError(f"{base_path}: several models ({names}). Choose one with --name.")
    return found[0]


def _chosen(base: str, number: int | None) -> versions.ModelVersion:
    """The version of that number, or the live one."""
    version = versions.live_version(base) if number is None else versions.find_version(base, number)
    if version is None:
        raise InputError(f"{base}: no version is whole. Push a model first.")
    return version


def _refuse_within(base: str, output: str) -> None:
    """Refuses to write among the versions, which servers watch, or over a file of one."""
    if is_remote(base) or is_remote(output):
        inside = output.startswith(join(base, ""))
    else:
        inside = local_path(output).resolve().is_relative_to(local_path(base).resolve())
    if inside:
        raise InputError(f"{output}: lies in the folder of the model. Give --output another place.")


def _record(
    base: str, version: versions.ModelVersion, live: versions.ModelVersion | None
) -> dict[str, Any]:
    return {
        "model": _model_name(base),
        "version": version.number,
        "live": version == live,
        "path": version.path,
        "lineage": dict(version.lineage),
    }


def _model_name(base: str) -> str:
    if is_remote(base):
        return base.rstrip("/").rsplit("/", 1)[-1]
    # Of "." and "..", too.
    path = local_path(base).absolute()
    return (path.resolve() if ".." in path.parts else path).name


def _table(held: Sequence[versions.ModelVersion]) -> list[str]:
    """Versions, the newest first, with their coverage at the lowest target of each."""
    lowest = sorted({_lowest_target(each) for each in held})
    label = labels(tuple(lowest))
    columns = (
        Column("version", number=True),
        Column(""),
        Column("pushed", wraps=True),
        Column("accuracy", number=True),
        *(Column(label[coverage(target)], number=True) for target in lowest),
        Column("backbone", wraps=True),
        Column("digest"),
        Column("remark", wraps=True),
    )
    live = versions.newest_whole(held)
    rows = [_row(version, live, lowest) for version in reversed(held)]
    return table_lines(columns, rows, terminal_width())


def _held_out(version: versions.ModelVersion) -> dict[str, Any]:
    """The figures on eval; none where the lineage has another form."""
    found: Any = version.lineage
    for key in ("metrics", "combined", "eval"):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _lowest_target(version: versions.ModelVersion) -> float:
    return (targets_of(_held_out(version)) or DEFAULT_TARGETS)[0]


def _row(
    version: versions.ModelVersion,
    live: versions.ModelVersion | None,
    targets: Sequence[float],
) -> list[str]:
    lineage, held_out = version.lineage, _held_out(version)
    return [
        str(version.number),
        "live" if version == live else "",
        str(lineage.get("pushed") or lineage.get("created") or "")[:16].replace("T", " "),
        *(_percent(held_out.get(figure)) for figure in ("accuracy", *map(coverage, targets))),
        _networks(lineage),
        "" if version.missing else version.digest[:12],
        _remark(version),
    ]


def _networks(lineage: Mapping[str, Any]) -> str:
    """The backbone, and the text encoder with its licence where the model has one."""
    encoder = lineage.get(ENCODER)
    backbone = str(lineage.get("backbone") or "")
    if lineage.get(FINE_TUNED):
        backbone += ", fine-tuned"
    if not isinstance(encoder, Mapping) or not encoder.get("name"):
        return backbone
    licence = f" ({encoder['licence']})" if encoder.get("licence") else ""
    tuned = ", fine-tuned" if encoder.get(FINE_TUNED) else ""
    return f"{backbone}, {encoder['name']}{licence}{tuned}"


def _remark(version: versions.ModelVersion) -> str:
    lineage = version.lineage
    remarks = ["not whole, so not served"] if version.missing else []
    if lineage.get("rollback_of"):
        remarks.append(f"rollback to {lineage['rollback_of']}")
    approver = lineage.get("rolled_back_by") or lineage.get("approved_by")
    if approver:
        remarks.append(f"approved by {approver}")
    return ", ".join(remarks)


def _percent(share: Any) -> str:
    return f"{share:.1%}" if isinstance(share, int | float) else ""
