"""`shelfsort monitor`: what was decided day after day, as a page, as JSON and for Prometheus."""

from datetime import datetime

import click

from shelfsort.cli.alarms import telling, webhook_of, webhook_options
from shelfsort.cli.databases import closed_at_end, database_option
from shelfsort.cli.numbers import FiniteRange
from shelfsort.core.database.engine import shown
from shelfsort.core.errors import RunFailed
from shelfsort.core.files import refuse_inputs, write_bytes, write_text
from shelfsort.core.terminal import json_text, one_line
from shelfsort.decisions.database.opening import open_database
from shelfsort.decisions.monitoring.alarms import alarms_of, in_words, tell_once
from shelfsort.decisions.monitoring.content import as_json as content_of
from shelfsort.decisions.monitoring.drift import REFERENCE_DAYS
from shelfsort.decisions.monitoring.metrics import as_metrics
from shelfsort.decisions.monitoring.page import page
from shelfsort.decisions.monitoring.report import Asked, Report, report_of
from shelfsort.decisions.promise.stored import back_off

_ALARM = 1
_SHOWN = 20


@click.command()
@database_option
@click.option(
    "--promise",
    "promised",
    required=True,
    type=FiniteRange(0, 1, min_open=True, max_open=True),
    help="Share of automatic decisions that is promised to be right, such as 0.98.",
)
@click.option(
    "--alpha",
    default=0.05,
    show_default=True,
    type=FiniteRange(0, 1, min_open=True, max_open=True),
    help="Chance of a false alarm in a year, of the promise and of drift each.",
)
@click.option(
    "--days", default=90, show_default=True, type=click.IntRange(1, 3_660), help="Days to show."
)
@click.option(
    "--reference-days",
    default=REFERENCE_DAYS,
    show_default=True,
    type=click.IntRange(2, 365),
    help="First days of a model, which later days are compared with.",
)
@click.option(
    "--reference-from",
    type=click.DateTime(["%Y-%m-%d"]),
    help="First day that may be one of them, after a change that is as it should be.",
)
@click.option(
    "--back-off",
    "backs_off",
    is_flag=True,
    help="Send what breaks the promise to people, until `shelfsort promise lift`.",
)
@click.option("--page", "page_file", metavar="FILE", help="Write a page with plots.")
@click.option(
    "--metrics", metavar="FILE", help="Write metrics for Prometheus's textfile collector."
)
@webhook_options
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def monitor(
    database: str,
    promised: float,
    alpha: float,
    days: int,
    reference_days: int,
    reference_from: datetime | None,
    backs_off: bool,
    page_file: str | None,
    metrics: str | None,
    webhook: str | None,
    webhook_inside: bool,
    as_json: bool,
) -> None:
    """Show what was decided day after day, and whether it is still as promised and as before.

    Run it every day. It ends with status 1 if the promise is broken, or if categories or scores
    have drifted from the first days of the model, and with 2 if the database cannot be read.

    \b
    Examples:
      shelfsort monitor --database decisions.db --promise 0.98 --page days.html
      shelfsort monitor --database decisions.db --promise 0.98 --back-off \\
        --metrics /var/lib/node/decisions.prom --webhook https://hooks.shop.example/alarms
    """
    hook = webhook_of(webhook, webhook_inside)
    refuse_inputs(page_file, database, option="--page")
    refuse_inputs(metrics, database, page_file, option="--metrics")
    engine = closed_at_end(open_database(database, must_exist=True))
    since = reference_from and reference_from.date()
    asked = Asked(promised, alpha, days, reference_days, since)
    report = report_of(engine, asked)
    if backs_off and report.verdict is not None:
        new = back_off(engine, report.verdict)
        for category in new:
            click.echo(one_line(f"From now on people decide: {category or 'all'}"), err=True)
        report = report_of(engine, asked) if new else report
    if page_file:
        write_bytes(page_file, page(report, shown(database)))
    if metrics:
        write_text(metrics, as_metrics(report))
    click.echo(json_text(content_of(report)) if as_json else "\n".join(_as_lines(report)))
    alarms = alarms_of(report.verdict, report.drift)
    failed = False
    if hook is not None:
        content = {"source": "shelfsort monitor", "at": report.figures.at.isoformat()}
        try:
            tell_once(engine, "monitor", alarms, telling(hook, content))
        except RunFailed:
            failed = True
    if alarms or failed:
        raise click.exceptions.Exit(_ALARM)


def _as_lines(report: Report) -> list[str]:
    shown_, verdict, bounds, drift = report.figures, report.verdict, report.bounds, report.drift
    day = shown_.days[-1]
    share = f", {day.automatic / day.decided:.1%} without a person" if day.decided else ""
    lines = [
        f"{day.day}: {day.decided:,} decided{share}; {shown_.waiting:,} wait for people, the "
        f"oldest for {shown_.oldest_s / 3600:.1f} h; {len(report.active):,} back-offs"
    ]
    if verdict is not None and bounds is not None:
        lines.append(
            f"Audits: {verdict.overall.share:.1%} of {verdict.overall.counts.n:,} right, on all "
            f"days from {bounds.low[-1]:.1%} to {bounds.high[-1]:.1%}"
        )
    else:
        lines.append(f"Audits: none are answered, {report.people.waiting:,} wait for people.")
    if report.people.twice:
        lines.append(
            f"Two people looked at {report.people.twice:,} audits and agree on "
            f"{report.people.agreed:,}"
        )
    if drift is not None and not drift.is_whole:
        lines.append(f"Drift: {len(drift.reference)} of {drift.wanted} days of the reference")
    elif drift is not None and drift.overall:
        lines.append(f"Drift: e-value {drift.overall[-1]:.3g}, alarm from {drift.level:g}")
    alarms = alarms_of(verdict, drift)
    lines += [one_line(in_words(each)) for each in alarms[:_SHOWN]]
    if len(alarms) > _SHOWN:
        lines.append(f"{len(alarms) - _SHOWN:,} more alarms; --json names them.")
    return lines
