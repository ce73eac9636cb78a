"""The last days as one HTML file with plots, without scripts."""

from collections.abc import Iterator, Sequence
from html import escape
from importlib import resources
from string import Template

from shelfsort.contract.targets import percent_of
from shelfsort.core.web.document import document
from shelfsort.decisions.monitoring.alarms import alarms_of, in_words
from shelfsort.decisions.monitoring.day_plots import day_plots
from shelfsort.decisions.monitoring.report import Report, bounds_of
from shelfsort.decisions.shadow.comparing import Comparison, Difference

_SHOWN, _MOVES_SHOWN = 60, 15


def page(report: Report, name: str) -> bytes:
    """Draws the page.

    Args:
        report: of the last days.
        name: of the database, for the head.

    Returns:
        HTML, UTF-8. It names no address outside itself and runs no script.
    """
    parts = [_alarms(report), _now(report)]
    parts += [_section(*each) for each in day_plots(report)]
    parts += [_drifted(report), _backoffs(report), _categories(report)]
    parts += [_candidate(each) for each in report.candidates]
    body = Template(_static("page.html")).substitute(
        name=escape(name),
        at=f"{report.figures.at:%Y-%m-%d %H:%M} UTC",
        content="\n".join(parts),
    )
    return document(f"Decisions by day: {name}", body, style=_static("page.css"))


def _alarms(report: Report) -> str:
    found = alarms_of(report.verdict, report.drift)
    if not found:
        return '<p class="state fine" role="status">No alarm.</p>'
    items = "".join(f"<li>{_text(in_words(each))}</li>" for each in found[:_SHOWN])
    more = f"<li>{len(found) - _SHOWN:,} more</li>" if len(found) > _SHOWN else ""
    return f'<div class="state broken" role="status"><ul>{items}{more}</ul></div>'


def _now(report: Report) -> str:
    day = report.figures.days[-1]
    share = f"{day.automatic / day.decided:.1%}" if day.decided else "–"
    figures = [
        ("Decided today", f"{day.decided:,}", f"{share} without a person"),
        ("Accepted and right", *_accuracy(report)),
        ("Waiting for people", f"{report.figures.waiting:,}", _oldest(report)),
        ("Active back-offs", f"{len(report.active):,}", ""),
        ("Drift", *_drift(report)),
    ]
    cells = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd><dd class='note'>{escape(note)}</dd>"
        "</div>"
        for name, value, note in figures
    )
    return f'<dl class="figures">{cells}</dl>'


def _accuracy(report: Report) -> tuple[str, str]:
    if report.verdict is None or report.bounds is None:
        waiting = report.people.waiting
        return "not known", f"{waiting:,} audits wait for people" if waiting else "no audits yet"
    low, high = report.bounds.low[-1], report.bounds.high[-1]
    promised, overall = percent_of(report.asked.promise), report.verdict.overall
    note = f"{low:.1%} to {high:.1%}, promised {promised}%; {overall.counts.n:,} audits"
    if report.people.twice:
        note += f"; two people agree on {report.people.agreed:,} of {report.people.twice:,}"
    return f"{overall.share:.1%}", note


def _oldest(report: Report) -> str:
    hours = report.figures.oldest_s / 3600
    if not hours:
        return ""
    return (
        f"the oldest for {hours / 24:.1f} days" if hours >= 48 else f"the oldest for {hours:.1f} h"
    )


def _drift(report: Report) -> tuple[str, str]:
    drift = report.drift
    if drift is None:
        return "not known", "no answers"
    if not drift.is_whole:
        return "not yet", f"{len(drift.reference)} of {drift.wanted} days of the reference"
    if drift.has_drifted:
        names = drift.drifted
        where = f"in {len(names):,} categories" if len(names) > 1 else "".join(names)
        return "yes", where or "overall"
    return "no evidence", f"{len(drift.days):,} days since the reference"


def _drifted(report: Report) -> str:
    drift = report.drift
    if drift is None or not drift.drifted:
        return ""
    rows = []
    for name in drift.drifted[:_SHOWN]:
        own = drift.categories[name]
        rows.append(
            [
                name,
                f"{own.share_before:.2%} → {own.share_now:.2%}",
                f"{_share(own.score_before)} → {_share(own.score_now)}",
                f"{own.e_value:.3g}",
            ]
        )
    heads = ["category", "share of answers", "scores of at least .95", "e-value"]
    return _section(
        "What has drifted",
        "From the reference to the last week. An e-value says how much a bet against “nothing has "
        "changed” would have won.",
        _table(heads, rows),
    )


def _backoffs(report: Report) -> str:
    if not report.figures.backoffs:
        return ""
    rows = [
        [
            each.category or "all",
            f"{each.since:%Y-%m-%d %H:%M}",
            f"{each.lifted:%Y-%m-%d %H:%M} by {each.lifted_by}" if each.lifted else "still holds",
            each.cause,
        ]
        for each in reversed(report.figures.backoffs)
    ]
    heads = ["category", "since", "until", "cause"]
    return _section("What went to people", "Back-offs of these days.", _table(heads, rows))


def _categories(report: Report) -> str:
    rows = list(_category_rows(report))
    if not rows:
        return ""
    rest = len(report.figures.categories) - len(rows)
    more = f"<p class='note'>{rest:,} more categories: see the JSON.</p>" if rest else ""
    heads = ["category", "decided", "automatic", "audits right", "bounds", "promise", "drift"]
    return _section("By category", "", _table(heads, rows) + more)


def _category_rows(report: Report) -> Iterator[list[str]]:
    verdict, drift = report.verdict, report.drift
    own = report.figures.categories
    for name in sorted(own, key=lambda each: (-own[each].decided, each))[:_SHOWN]:
        each = own[name]
        right = bounds = broken = ""
        if verdict is not None and name in verdict.categories:
            watched = verdict.categories[name]
            right = f"{sum(watched.counts.right):,} of {watched.counts.n:,}"
            bounds = "{:.1%} to {:.1%}".format(*bounds_of(watched, report.asked))
            broken = "broken" if name in verdict.broken else "no evidence"
        drifted = ""
        if drift is not None and drift.days:
            drifted = "drifted" if name in drift.drifted else "no evidence"
        automatic = f"{each.automatic / each.decided:.1%}" if each.decided else ""
        yield [name, f"{each.decided:,}", automatic, right, bounds, broken, drifted]


def _candidate(found: Comparison) -> str:
    rows = [_difference("needs no person", found.automatic)]
    who = {
        "gold": "right, by the data’s own categories",
        "audit": "right, by audits of what the live model decided alone",
        "review": "right, by people on what was left to them",
    }
    rows += [_difference(who.get(kind, kind), each) for kind, each in found.right.items()]
    heads = ["", "products", "live", "candidate", "difference, points", "p"]
    by_category = [
        [
            live,
            f"{own.n:,}",
            f"{own.moved:,}",
            ", ".join(f"{n:,} to {other}" for other, n in own.moves.most_common(3)),
            f"{own.only_live:,}",
            f"{own.only_candidate:,}",
        ]
        for live, own in sorted(
            found.categories.items(), key=lambda each: (-each[1].moved, each[0])
        )
        if own.moved
    ]
    changes = [
        [live, other, f"{n:,}"]
        for (live, other), n in sorted(found.outcomes.items(), key=lambda each: -each[1])
        if live != other
    ]
    parts = [_table(heads, rows)]
    if changes:
        parts.append(f"<h3>Other outcomes</h3>{_table(['live', 'candidate', 'products'], changes)}")
    if by_category:
        heads = ["live", "products", "moved", "most", "only live right", "only candidate right"]
        rest = len(by_category) - _MOVES_SHOWN
        more = f"<p class='note'>{rest:,} more categories: see the JSON.</p>" if rest > 0 else ""
        parts.append(f"<h3>Other categories</h3>{_table(heads, by_category[:_MOVES_SHOWN])}{more}")
    return _section(
        f"Candidate: {found.candidate}",
        f"{found.n:,} products from {found.first:%Y-%m-%d} to {found.last:%Y-%m-%d}: "
        f"{found.moved:,} get another category, {found.changed:,} another outcome.",
        "".join(parts),
    )


def _difference(what: str, each: Difference) -> list[str]:
    low, high = each.interval
    gain = (each.candidate - each.live) / each.n if each.n else 0.0
    return [
        what,
        f"{each.n:,}",
        f"{each.live:,}",
        f"{each.candidate:,}",
        f"{100 * gain:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]",
        f"{each.p:.2g}",
    ]


def _section(title: str, words: str, content: str) -> str:
    said = f"<p>{escape(words)}</p>" if words else ""
    return f"<section><h2>{_text(title)}</h2>{said}{content}</section>"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    body = "".join(
        "<tr>"
        + "".join(
            f'<td data-head="{escape(head)}">{_text(cell)}</td>'
            for head, cell in zip(heads, row, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="wide" tabindex="0"><table><thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _text(words: str) -> str:
    return f"<bdi>{escape(words)}</bdi>"


def _share(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _static(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")
