"""The group `shelfsort promise`."""

from typing import Any

import click

from shelfsort.cli.alarms import telling, webhook_of, webhook_options
from shelfsort.cli.databases import closed_at_end, database_option
from shelfsort.cli.numbers import FiniteRange
from shelfsort.contract.targets import percent_of
from shelfsort.core.database.engine import shown
from shelfsort.core.errors import InputError, RunFailed
from shelfsort.core.files import refuse_inputs, write_text
from shelfsort.core.terminal import json_text, one_line
from shelfsort.decisions.database.opening import open_database
from shelfsort.decisions.monitoring.alarms import alarms_of, tell_once
from shelfsort.decisions.monitoring.webhook import Webhook
from shelfsort.decisions.promise.audits import read_audits
from shelfsort.decisions.promise.stored import StoredAudits, back_off, lift, stored_audits
from shelfsort.decisions.promise.verdict import Verdict, Watched, judge
from shelfsort.stats.binomial import interval

_BROKEN = 1
_SHOWN = 20


@click.group()
def promise() -> None:
    """Watch whether decisions made without a person are right as often as promised.

    \b
    Examples:
      shelfsort promise check audits.csv --promise 0.98
      shelfsort promise check --database decisions.db --promise 0.98 --back-off
      shelfsort promise lift --database decisions.db --category mugs --by Ann --reason "new model"
    """


@promise.command()
@click.argument("audits", required=False)
@click.option("--database", help="Of `shelfsort batch`, in place of a table.")
@click.option(
    "--promise",
    "promised",
    required=True,
    type=FiniteRange(0, 1, min_open=True, max_open=True),
    help="Share that is promised to be right, such as 0.98.",
)
@click.option(
    "--alpha",
    default=0.05,
    show_default=True,
    type=FiniteRange(0, 1, min_open=True, max_open=True),
    help="Chance of a false alarm in a year.",
)
@click.option(
    "--back-off",
    "backs_off",
    is_flag=True,
    help="Send what breaks the promise to people, until `shelfsort promise lift`.",
)
@webhook_options
@click.option(
    "--if-any",
    is_flag=True,
    help="End well while no audit of --database is answered yet, as in the first days.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with the evidence of each day.")
@click.option(
    "--metrics", metavar="FILE", help="Write metrics for Prometheus's textfile collector."
)
def check(
    audits: str | None,
    database: str | None,
    promised: float,
    alpha: float,
    backs_off: bool,
    webhook: str | None,
    webhook_inside: bool,
    if_any: bool,
    as_json: bool,
    metrics: str | None,
) -> None:
    """Judge audits: of a results database, or of a table with the columns day, category, right.

    The audited decisions have to be a random sample of those made without a person. It may be run
    every day: a false alarm in a year has a chance of at most --alpha. Among the categories named,
    at most a share of --alpha is named wrongly. It ends with status 1 if the promise is broken.

    \b
    Examples:
      shelfsort promise check audits.csv --promise 0.98
      shelfsort promise check audits.csv --promise 0.98 --metrics /var/lib/node/promise.prom
    """
    hook = webhook_of(webhook, webhook_inside)
    if (audits is None) == (database is None) or (backs_off and database is None):
        raise InputError("give a table of audits, or --database; --back-off needs --database.")
    refuse_inputs(metrics, audits, database, option="--metrics")
    if database is not None:
        engine = closed_at_end(open_database(database, must_exist=True))
        stored = stored_audits(engine)
        _say_waiting(stored)
        if not stored.audits and if_any:
            click.echo("No audit is answered yet.", err=True)
            return
        if not stored.audits:
            raise InputError(
                f"{shown(database)}: no audits are answered. "
                + (
                    "They wait for people: run `shelfsort review serve`."
                    if stored.waiting
                    else "Draw some with `shelfsort batch --audit-rate`, and answer them with "
                    "`shelfsort review serve`."
                )
            )
        verdict = judge(stored.audits, promised, alpha, stored.even)
        for category in back_off(engine, verdict) if backs_off else ():
            click.echo(one_line(f"From now on people decide: {category or 'all'}"), err=True)
    else:
        verdict = judge(read_audits(str(audits)), promised, alpha)
    if metrics:
        write_text(metrics, _as_metrics(verdict))
    click.echo(json_text(_as_json(verdict)) if as_json else "\n".join(_as_lines(verdict)))
    failed = hook is not None and not _told(verdict, hook, database)
    if verdict.is_broken or failed:
        raise click.exceptions.Exit(_BROKEN)


@promise.command(name="lift")
@database_option
@click.option("--category", default="", help="Whose back-off is lifted. Default: that of all.")
@click.option("--by", required=True, help="Name of the person who answers for it.")
@click.option("--reason", required=True, help="Why the promise is kept again.")
def lift_back_off(database: str, category: str, by: str, reason: str) -> None:
    """Let the model decide again. The person and the reason are recorded.

    \b
    Examples:
      shelfsort promise lift --database decisions.db --category mugs --by Ann --reason "new model"
    """
    lift(closed_at_end(open_database(database, must_exist=True)), category, by, reason)
    click.echo(one_line(f"Lifted by {by}: {category or 'all'}"))


def _told(verdict: Verdict, hook: Webhook, database: str | None) -> bool:
    """Whether alarms were taken. A database knows which were; without one all are posted."""
    tell = telling(hook, {"source": "shelfsort promise check", "promise": verdict.promise})
    alarms = alarms_of(verdict, None)
    try:
        if database is not None:
            tell_once(closed_at_end(open_database(database)), "promise check", alarms, tell)
        elif alarms:
            tell(alarms)
    except RunFailed:
        return False
    return True


def _say_waiting(stored: StoredAudits) -> None:
    if stored.waiting or stored.undecided:
        click.echo(
            f"{stored.waiting:,} audits wait for people, people disagree on {stored.undecided:,}",
            err=True,
        )
    if stored.twice:
        low, high = interval(stored.agreed, stored.twice)
        click.echo(
            f"two people looked at {stored.twice:,} audits and agree on {stored.agreed:,}: "
            f"{stored.agreed / stored.twice:.1%} [{low:.1%}, {high:.1%}]",
            err=True,
        )


def _as_lines(verdict: Verdict) -> list[str]:
    overall = verdict.overall
    days, (low, high) = overall.counts.days, overall.interval
    lines = [
        f"{overall.counts.n:,} audits from {days[0]} to {days[-1]}: {overall.share:.1%} right "
        f"[{low:.1%}, {high:.1%}], promised {percent_of(verdict.promise)}%",
        f"Overall: {_said(overall)}",
    ]
    for name in verdict.broken[:_SHOWN]:
        own = verdict.categories[name]
        lines.append(
            one_line(f"Broken in {name}: {sum(own.counts.right):,} of {own.counts.n:,} right")
        )
    if len(verdict.broken) > _SHOWN:
        lines.append(f"Broken in {len(verdict.broken) - _SHOWN:,} more; --json names them.")
    if verdict.is_broken:
        lines.append("Send these products to people, find out why, and train on the new labels.")
    return lines


def _said(watched: Watched) -> str:
    if watched.alarm is not None:
        return f"the promise was broken; noticed on {watched.alarm}"
    return f"no evidence against the promise (e-value {watched.e_value:.3g})"


def _as_json(verdict: Verdict) -> dict[str, Any]:
    return {
        "promise": verdict.promise,
        "alpha": verdict.alpha,
        "broken": verdict.is_broken,
        "broken_categories": list(verdict.broken),
        "overall": _watched_json(verdict.overall),
        "categories": {name: _watched_json(own) for name, own in verdict.categories.items()},
    }


def _watched_json(watched: Watched) -> dict[str, Any]:
    return {
        "audits": watched.counts.n,
        "right": watched.share,
        "interval": watched.interval,
        "e_value": watched.e_value,
        "alarm": watched.alarm and watched.alarm.isoformat(),
        "days": [
            {"day": day.isoformat(), "right": right, "wrong": wrong, "e_value": value}
            for day, right, wrong, value in zip(
                watched.counts.days,
                watched.counts.right,
                watched.counts.wrong,
                watched.e_values,
                strict=True,
            )
            if right or wrong
        ],
    }


def _as_metrics(verdict: Verdict) -> str:
    overall = verdict.overall
    gauges = {
        "promise_ratio": verdict.promise,
        "audited_right_ratio": overall.share,
        "audits": overall.counts.n,
        "promise_e_value": overall.e_value,
        "promise_broken": int(verdict.is_broken),
        "promise_broken_categories": len(verdict.broken),
    }
    return "".join(
        f"# TYPE shelfsort_{name} gauge\nshelfsort_{name} {value:g}\n"
        for name, value in gauges.items()
    )
