"""`shelfsort database prune` and `delete`."""

import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shelfsort.catalog.database.opening import open_database as open_crawl
from shelfsort.catalog.importing import deleting
from shelfsort.cli.database.customers import products_of
from shelfsort.cli.databases import closed_at_end
from shelfsort.cli.numbers import MOST_DAYS
from shelfsort.core.database.engine import reading_errors
from shelfsort.core.errors import InputError
from shelfsort.core.storage import read_input
from shelfsort.core.terminal import json_text, one_line
from shelfsort.decisions.database.opening import open_database as open_decisions
from shelfsort.decisions.retention.deletion import delete_products
from shelfsort.decisions.retention.pruning import prune as prune_decisions
from shelfsort.labeling.queue.deletion import delete_older, delete_tasks

if TYPE_CHECKING:
    from shelfsort.catalog.settings import CatalogSettings

_DAY_S = 86_400
_places = (
    click.option("--decisions", metavar="DATABASE", help="Database of `shelfsort batch`."),
    click.option("--crawl", metavar="SETTINGS", help="Settings of `shelfsort catalog`."),
    click.option(
        "--answers",
        type=click.Path(path_type=Path, dir_okay=False),
        help="File of answers of `shelfsort label`. Nobody may label meanwhile.",
    ),
)
_json = click.option("--json", "as_json", is_flag=True, help="Print what was removed as JSON.")


def _with_places(command: Any) -> Any:
    for option in reversed(_places):
        command = option(command)
    return command


@click.command()
@_with_places
@click.option(
    "--older-than",
    "days",
    required=True,
    type=click.IntRange(1, MOST_DAYS),
    metavar="DAYS",
    help="Age in days of what is removed.",
)
@click.option("--by", default="shelfsort database prune", help="Name for the audit log.")
@click.option("--dry-run", is_flag=True, help="Count what would be removed, by table.")
@_json
def prune(
    decisions: str | None,
    crawl: str | None,
    answers: Path | None,
    days: int,
    by: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Remove what is older than DAYS, from one or several places.

    Of decisions: the model's answers with decisions, reviews and audits, unless a person is still
    to look at them. What audits said stays as totals, so `promise check` says the same as before.
    Of a crawl: products that have been gone for so long, and pictures that nothing uses any more.
    Of answers: those about products whose last answer is so old.

    A product that is removed and comes again is decided about again. After a kill, the same command
    goes on.

    \b
    Examples:
      shelfsort database prune --decisions decisions.db --older-than 400 --dry-run
      shelfsort database prune --crawl catalog.yaml --answers answers.jsonl --older-than 400
    """
    _refuse_nothing(decisions, crawl, answers)
    before = datetime.now(timezone.utc) - timedelta(days=days)
    said: dict[str, Any] = {"before": before.isoformat(timespec="seconds"), "dry_run": dry_run}
    if crawl is not None:
        read = _crawl_settings(crawl)
        engine = closed_at_end(open_crawl(read.database, must_exist=True))
        with reading_errors(read.database):
            found = (
                deleting.belongings_forgotten(engine, before)
                if dry_run
                else deleting.forget_gone(engine, read.images, before)
            )
        said["crawl"] = vars(found)
    if answers is not None:
        said["answers"] = delete_older(answers, time.time() - days * _DAY_S, dry_run=dry_run)
    if decisions is not None:
        engine = closed_at_end(open_decisions(decisions, must_exist=True))
        with reading_errors(decisions):
            removed = prune_decisions(engine, before, by, dry_run=dry_run)
        said["decisions"] = _shown(vars(removed))
    _say(as_json, said, "would remove" if dry_run else "removed")


@click.command()
@_with_places
@click.option("--product", "products", multiple=True, metavar="ID", help="Repeatable.")
@click.option("--products", "file", metavar="FILE", help="File with an id on each line.")
@click.option("--data", help="What `batch` decided about, to find a customer's products in.")
@click.option("--customer", metavar="COLUMN=ID", help="Column of --data, and the customer's id.")
@click.option("--by", required=True, help="Name of the person who answers for it.")
@click.option("--reason", required=True, help="Such as the number of the customer's request.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_json
def delete(
    decisions: str | None,
    crawl: str | None,
    answers: Path | None,
    products: tuple[str, ...],
    file: str | None,
    data: str | None,
    customer: str | None,
    by: str,
    reason: str,
    yes: bool,
    as_json: bool,
) -> None:
    """Remove all that is known of some products, such as those of one customer.

    Shelfsort keeps no customers. Give the ids of the customer's products or photo reviews, or the
    data with a column that names the customer. Pictures in the store of a crawl go if no other
    product uses them. What audits said stays as totals
    without the product. The audit log of the decisions tells numbers, person and reason, and no
    product.

    Labels that are in manifests already, models that learnt from them and backups stay as they are;
    `shelfsort retrain` takes the products out of reviews.manifest. A product that is still in the
    data is decided about again. After a kill, the same command goes on.

    \b
    Examples:
      shelfsort database delete --decisions decisions.db --product review-17 \\
        --by Ann --reason "request 2026-118"
      shelfsort database delete --decisions decisions.db --data reviews.csv \\
        --customer customer_id=4711 --by Ann --reason "request 2026-118"
      shelfsort database delete --decisions postgresql://shop@db/decisions \\
        --crawl catalog.yaml --answers answers.jsonl --products customer.txt \\
        --by Ann --reason "request 2026-118" --yes
    """
    _refuse_nothing(decisions, crawl, answers)
    ids = [*products, *(_ids(file) if file else ()), *_of_customer(data, customer)]
    if not ids:
        raise InputError("there is no product. Give --product, --products or --customer.")
    if not by.strip() or not reason.strip():
        raise InputError("--by and --reason: blank. Name a person and why.")
    if not yes:
        click.confirm(f"Delete all that is known of {len(ids):,} products?", abort=True, err=True)
    said: dict[str, Any] = {"products": len(ids)}
    if crawl is not None:
        read = _crawl_settings(crawl)
        engine = closed_at_end(open_crawl(read.database, must_exist=True))
        with reading_errors(read.database):
            said["crawl"] = vars(deleting.delete_products(engine, read.images, ids))
    if answers is not None:
        said["answers"] = delete_tasks(answers, ids)
    if decisions is not None:
        engine = closed_at_end(open_decisions(decisions, must_exist=True))
        with reading_errors(decisions):
            said["decisions"] = _shown(vars(delete_products(engine, ids, by, reason)))
    _say(as_json, said, "removed")


def _crawl_settings(file: str) -> "CatalogSettings":
    # Needs the packages of the extra `catalog`, which a machine with decisions only may lack.
    from shelfsort.catalog.settings import load_settings

    return load_settings(file)


def _ids(file: str) -> list[str]:
    try:
        lines = read_input(file, "file of ids").decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: not UTF-8 ({error.reason}). Save it as UTF-8.") from error
    return [line.strip() for line in lines if line.strip()]


def _of_customer(data: str | None, customer: str | None) -> list[str]:
    column, _, id_ = (customer or "").partition("=")
    if (data is None) != (customer is None) or (customer is not None and not (column and id_)):
        raise InputError("--data FILE and --customer COLUMN=ID go together. Give both.")
    return products_of(data, column, id_) if data is not None else []


def _refuse_nothing(*places: object) -> None:
    if not any(place is not None for place in places):
        raise InputError("there is no place. Give --decisions, --crawl or --answers.")


def _shown(values: dict[str, Any]) -> dict[str, Any]:
    return {**values, "rows": {name: n for name, n in values["rows"].items() if n}}


def _say(as_json: bool, said: dict[str, Any], done: str) -> None:
    if as_json:
        click.echo(json_text(said))
        return
    for place in ("crawl", "answers", "decisions"):
        if place not in said:
            continue
        found = said[place] if isinstance(said[place], dict) else {"answers": said[place]}
        flat = {**found, **found.get("rows", {})}
        flat.pop("rows", None)
        counts = ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in flat.items() if n)
        click.echo(one_line(f"{place}: {done} {counts or 'nothing'}"))
