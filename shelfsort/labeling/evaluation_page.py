"""The evaluation of labelling jobs as one HTML file with plots, without scripts."""

from collections.abc import Sequence
from html import escape
from importlib import resources
from string import Template

from shelfsort.core.web.document import document
from shelfsort.labeling.evaluation import Quality, Share
from shelfsort.labeling.interval_plot import Series, interval_plot, line_plot
from shelfsort.labeling.job_report import JobReport, PriceEffect
from shelfsort.labeling.outlook import Difference
from shelfsort.labeling.workers import Worker

Between = Sequence[tuple[tuple[str, str], Share, float]]
_WORKERS_SHOWN = 40


def page(
    reports: Sequence[JobReport], effects: Sequence[PriceEffect] = (), between: Between = ()
) -> bytes:
    """Draws the page.

    Args:
        reports: of the jobs.
        effects: of their prices.
        between: names of two jobs, the share of equal labels, and kappa.

    Returns:
        HTML, UTF-8. It names no address outside itself and runs no script.
    """
    names = ", ".join(each.name for each in reports)
    content = [_overview(reports), *(_job(each) for each in reports)]
    content += [_compared(effects, between)] if effects or between else []
    body = Template(_static("evaluation.html")).substitute(
        name=escape(names), content="\n".join(content)
    )
    return document(f"Labelling jobs: {names}", body, style=_static("evaluation.css"))


def _overview(reports: Sequence[JobReport]) -> str:
    rows = []
    for each in reports:
        shares = (
            ("consensus", each.quality.consensus),
            ("right, all", each.quality.right),
            ("right of consensus", each.quality.right_of_consensus),
        )
        for what, share in shares:
            if share.share is not None:
                name = f"{each.name}: {what}" if len(reports) > 1 else what
                rows.append((name, share.share, *share.interval, _of(share)))
    return _section(
        "How good the labels are",
        "Dots show what was found. Lines show the exact 95 % interval: what the job could be with "
        "other products of the same kind.",
        interval_plot(rows, "Consensus and matches with gold"),
    )


def _job(report: JobReport) -> str:
    quality = report.quality
    figures = [
        ("Products", f"{quality.products:,}", _answers(quality)),
        ("Workers", f"{quality.workers:,}", ""),
        ("Krippendorff’s alpha", *_agreed(quality, "alpha")),
        ("with partial credit", *_agreed(quality, "alpha_tree")),
        ("Fleiss’ kappa", *_agreed(quality, "fleiss")),
        ("Equal pairs of answers", *_agreed(quality, "raw")),
    ]
    parts = [_figures(figures), _money(report), _outlook(report), _workers(report)]
    parts += [_confusions(report)]
    return (
        f'<article><h2 class="job"><bdi>{escape(report.name)}</bdi></h2>{"".join(parts)}</article>'
    )


def _answers(quality: Quality) -> str:
    unsure = f", {quality.cannot_tell:,} cannot tell" if quality.cannot_tell else ""
    return f"{quality.answers:,} answers{unsure}"


def _money(report: JobReport) -> str:
    cost = report.cost
    if cost is None:
        return ""
    usable = "no consensus" if cost.per_usable is None else f"{cost.per_usable:,.3f}"
    enough = "" if cost.project_usable is None else f"{cost.project_usable:,.2f}"
    figures = [
        ("Spent", f"{cost.spent:,.2f}", f"{report.price:,.3f} an answer"),
        ("A product", f"{cost.per_product:,.3f}", ""),
        ("A usable label", usable, "with consensus"),
        (
            "An hour of a worker",
            "not known" if report.per_hour is None else f"{report.per_hour:,.2f}",
            "" if report.per_hour is not None else "the answers have no times",
        ),
        (f"{cost.project:,} products", f"{cost.project_asked:,.2f}", "asked"),
    ]
    figures += [(f"{cost.project:,} usable labels", enough, "at this consensus")] if enough else []
    if report.hours is not None:
        figures.append(("First to last answer", f"{report.hours:,.1f} h", ""))
    return f"<h3>What they cost</h3>{_figures(figures)}"


def _outlook(report: JobReport) -> str:
    if not report.outlook:
        return ""
    judged = (
        f"What is right: {report.judge}, which is too kind where all err together."
        if report.judge
        else "Right is judged by gold."
    )
    at = [each.workers for each in report.outlook]
    dashed = next((n for n, each in enumerate(report.outlook) if not each.measured), len(at))
    plot = line_plot(
        at,
        [
            Series("consensus", [each.consensus for each in report.outlook], dashed),
            Series("right", [each.right for each in report.outlook], dashed),
        ],
        "Consensus and accuracy by number of workers",
        "workers for each product",
    )
    rows = [
        [
            f"{each.workers}" + ("" if each.measured else " (expected)"),
            f"{each.consensus:.1%}",
            f"{each.right:.1%}",
            "" if report.price is None else f"{each.workers * report.price:,.3f}",
        ]
        for each in report.outlook
    ]
    gold = [
        [f"{each.questions}", f"{each.caught:.0%}", f"{each.wronged:.1%}"]
        for each in report.gold_outlook
    ]
    heads = ["workers", "consensus", "right", "answers for a product cost"]
    return (
        "<h3>What more workers would bring</h3>"
        f'<div class="beside"><figure>{plot}</figure>{_table(heads, rows)}</div>'
        "<p class='note'>Fewer workers are drawn from the answers. Further ones are simulated with "
        f"the skills and the errors of this crowd (dashed). {escape(judged)}</p>"
        + (
            "<h3>What more gold questions would bring</h3><p class='note'>A bad worker is halfway "
            "between chance and the crowd, a good one is as the crowd. Banned is who is surely "
            f"right in less than {report.gold_outlook[0].ban_below:.0%}.</p>"
            + _table(["gold questions a worker", "bad worker banned", "good worker banned"], gold)
            if gold
            else ""
        )
    )


def _workers(report: JobReport) -> str:
    workers = sorted(
        report.workers, key=lambda each: (not each.suspected, -each.answers, each.name)
    )
    shown = workers[:_WORKERS_SHOWN]
    if not shown:
        return ""
    pay = {each.worker: each for each in report.pay}
    bars = [
        (_name(each), each.skill, each.low, each.high, f"{each.skill:.2f}")
        for each in shown
        if each.skill is not None
    ]
    rows = []
    for each in shown:
        earned = pay.get(each.name)
        hour = earned.per_hour if earned and report.price is not None else None
        seconds = earned.seconds if earned else None
        rows.append(
            [
                _name(each),
                f"{each.answers:,}",
                "" if each.skill is None else f"{each.skill:.2f}",
                "" if each.disagreement is None else f"{each.disagreement:.0%}",
                f"{each.gold_right} of {each.gold}" if each.gold else "",
                "" if seconds is None else f"{seconds:g}",
                "" if hour is None else f"{hour:,.2f}",
                "stop paying" if each.suspected else "",
            ]
        )
    heads = ["worker", "answers", "skill", "differs", "gold", "seconds", "an hour", ""]
    rest = len(workers) - len(shown)
    more = f"<p class='note'>{rest:,} more workers: see the JSON.</p>" if rest else ""
    warned = {_name(each) for each in shown if each.suspected}
    return (
        "<h3>Who answered</h3><p>Skill is the expected share of right answers, judged by all the "
        "others. Who answers hardly better than chance is marked.</p>"
        f"<figure>{interval_plot(bars, 'Skill of the workers', warned)}</figure>"
        f"{_table(heads, rows)}{more}"
    )


def _confusions(report: JobReport) -> str:
    if not report.confused:
        return ""
    rows = [
        [
            each.truth,
            each.named,
            "siblings" if each.siblings else "",
            f"{each.count.count:,} of {each.count.n:,}",
            "{:.0%} to {:.0%}".format(*each.count.interval),
        ]
        for each in report.confused
    ]
    heads = ["true category", "answered", "", "answers", "95 % interval"]
    return f"<h3>What is confused</h3>{_table(heads, rows)}"


def _compared(effects: Sequence[PriceEffect], between: Between) -> str:
    parts = []
    if between:
        rows = [
            [one, other, _of(share), "{:.0%} to {:.0%}".format(*share.interval), _figure(kappa)]
            for (one, other), share, kappa in between
        ]
        parts.append(_table(["job", "other job", "same label", "95 % interval", "kappa"], rows))
    if effects:
        rows = [
            [
                each.cheap,
                each.dear,
                f"{each.price:+,.3f}",
                _points(each.consensus),
                _points(each.right),
                "" if each.hours is None else f"{each.hours:+,.1f}",
            ]
            for each in effects
        ]
        heads = ["cheaper", "dearer", "price", "consensus, points", "right, points", "hours sooner"]
        parts.append(f"<h3>What a higher price brought</h3>{_table(heads, rows)}")
    return _section("How the jobs compare", "", "".join(parts))


def _section(title: str, words: str, content: str) -> str:
    said = f"<p>{escape(words)}</p>" if words else ""
    return f"<section><h2>{escape(title)}</h2>{said}<figure>{content}</figure></section>"


def _figures(figures: Sequence[tuple[str, str, str]]) -> str:
    cells = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd>"
        + (f'<dd class="note">{escape(note)}</dd>' if note else "")
        + "</div>"
        for name, value, note in figures
    )
    return f'<dl class="figures">{cells}</dl>'


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    body = "".join(
        "<tr>"
        + "".join(
            f"<td data-head='{escape(heads[n])}'><bdi>{escape(cell)}</bdi></td>"
            for n, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="wide" tabindex="0"><table><thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _name(worker: Worker) -> str:
    return worker.name or "(no id)"


def _of(share: Share) -> str:
    return f"{share.count:,} of {share.n:,}, {share.share or 0:.1%}"


def _figure(figure: float) -> str:
    return "–" if figure != figure else f"{figure:.3f}"


def _agreed(quality: Quality, name: str) -> tuple[str, str]:
    low, high = quality.agreement_intervals[name]
    return _figure(quality.agreement[name]), "" if low != low else f"{low:.3f} to {high:.3f}"


def _points(each: Difference | None) -> str:
    if each is None:
        return ""
    return f"{100 * each.points:+.1f} [{100 * each.low:+.1f}, {100 * each.high:+.1f}]"


def _static(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")
