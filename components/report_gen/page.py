"""Draws ReportContent as one self-contained HTML page."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from components.report_gen.artifact import Report
from components.report_gen.explanations import LEAST_CHANGE, MOST_WORDS, Explained, Term
from components.report_gen.sections import ReportContent
from components.trainer.artifact import Disagreement
from shelfsort.contract.figures import accepted_accuracy, coverage
from shelfsort.contract.targets import percent_of, target_key
from shelfsort.core.web.inline import page_bytes, page_script, script_digest, shown_json
from shelfsort.core.web.style import style_sheet
from shelfsort.training.neighbours import MOST_INDEXED, Neighbour

Details = Mapping[str, tuple[str, float | None]]
_LONGEST_DESCRIPTION = 300

MODE_NAMES = {"combined": "Text and image", "text": "Text only", "image": "Image only"}
SPLIT_NAMES = {
    "eval": "eval",
    "eval_gold": "eval, against gold",
    "held_out": "cross-fitted",
    "calibration": "calibration",
}


def render(
    content: ReportContent,
    pictures: dict[str, str],
    details: Details | None = None,
    explained: Explained | None = None,
) -> bytes:
    """Draws the page.

    Args:
        content: what to say.
        pictures: data URIs by product id, for any of `content.errors`, `content.suspects`, what
            stands against `content.proofs` and the neighbours of `explained`.
        details: description and price by product id, for any of the same.
        explained: of `content.errors` and `content.suspects`.

    Returns:
        HTML, UTF-8. It names no address outside itself, and a browser that honours its content
        security policy runs the page's own script and nothing else.
    """
    script = page_script(_static("report.js"))
    explained = explained or Explained()
    data = {
        **_script_data(content),
        "details": _shown_details(details or {}),
        "explained": _shown_explanations(explained),
    }
    html = (
        _environment()
        .get_template("report.html")
        .render(
            content=content,
            explained=explained,
            least_change=LEAST_CHANGE,
            most_words=MOST_WORDS,
            most_indexed=MOST_INDEXED,
            style=Markup(style_sheet() + _static("report.css")),
            script=Markup(script),
            script_digest=script_digest(script),
            data=inline_json(data),
            pictures=inline_json(pictures),
            targets=[_Shown(target) for target in content.targets],
            mode_names=MODE_NAMES,
            split_names=SPLIT_NAMES,
        )
    )
    return page_bytes(html)


def _shown_details(details: Details) -> dict[str, tuple[str, float | None]]:
    return {
        product_id: (" ".join(description.split())[:_LONGEST_DESCRIPTION], price)
        for product_id, (description, price) in details.items()
    }


def _shown_explanations(explained: Explained) -> dict[str, dict[str, Any]]:
    """By product id; names and numbers alone, in the order in which they are shown."""

    def near(neighbours: Sequence[Neighbour]) -> list[dict[str, Any]]:
        return [
            {
                "id": each.product_id,
                "title": explained.titles.get(each.product_id, ""),
                "label": each.label,
                "similarity": round(each.similarity, 2),
            }
            for each in neighbours
        ]

    def terms(found: Sequence[Term]) -> list[tuple[str, str, float]]:
        return [(each.kind, each.word, each.change) for each in found]

    labels = {each: {"nearest": near(found)} for each, found in explained.labels.items()}
    return labels | {
        product_id: {
            "alone": {mode: (each.predicted, each.label) for mode, each in why.alone.items()},
            "predicted": terms(why.for_predicted),
            "label": terms(why.for_label),
            "nearest": near(why.nearest),
        }
        for product_id, why in explained.errors.items()
    }


@dataclass(frozen=True)
class _Shown:
    """A target as the templates need it: its share, in percent, and in the names of figures."""

    share: float

    @property
    def percent(self) -> str:
        return percent_of(self.share)

    @property
    def key(self) -> str:
        return target_key(self.share)


def summary(content: ReportContent) -> Report:
    """The page in brief."""
    verdict, row = content.verdict, content.headline()
    names = [name for each in content.targets for name in (coverage(each), accepted_accuracy(each))]
    names += ["accuracy", "parent_accuracy"]
    return Report(
        model_name=content.model_name,
        blessed=verdict.blessed,
        failed=tuple(map(str, verdict.failed)),
        overruled=tuple(map(str, verdict.overruled)),
        approved_by=verdict.approved_by,
        n=row.n if row else 0,
        figures={name: row.number(name) for name in names} if row else {},
    )


def inline_json(value: Any) -> Markup:
    """JSON that may stand inside a <script> element, whatever the strings in it hold."""
    return Markup(shown_json(value))


def percent(value: float | None, digits: int = 1) -> str:
    """A share as a percentage; never rounded up to 100 or down to 0 where it is neither."""
    if value is None:
        return "–"
    shown = f"{value:.{digits}%}"
    if value < 1 and shown == f"{1:.{digits}%}":
        shown = f"{1 - 10 ** -(digits + 2):.{digits}%}"
    if value > 0 and shown == f"{0:.{digits}%}":
        return f"<\u202f{10 ** -(digits + 2):.{digits}%}".replace("%", "\u202f%")
    return shown.replace("%", "\u202f%")


def points(value: float | None) -> str:
    """A difference of two shares, in percentage points with its sign."""
    if value is None:
        return "–"
    return f"{value * 100:+.1f}".replace("-", "−") if round(value * 100, 1) else "0.0"


def unbroken(sentence: str) -> str:
    """The sentence with no line break between a number and its percent sign."""
    return sentence.replace(" %", "\u202f%")


def plain(value: Any) -> str:
    """A number as a person writes it, at most four decimals; "–" for None."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        shown = f"{value:,.4f}".rstrip("0").rstrip(".")
        return "0" if shown == "-0" else shown
    return f"{value:,}" if isinstance(value, int) else str(value)


def milliseconds(value: float) -> str:
    """Milliseconds with one decimal, or two where they are below one."""
    return f"{value:,.{1 if value >= 1 else 2}f}\u202fms"


def words(name: str) -> str:
    """`accepted_accuracy` as "Accepted accuracy"."""
    return name.replace("_", " ").strip().capitalize()


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__, "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=percent,
        points=points,
        plain=plain,
        milliseconds=milliseconds,
        words=words,
        unbroken=unbroken,
    )
    return environment


def _static(name: str) -> str:
    return resources.files(__package__).joinpath("static", name).read_text("utf-8")


def _against(content: ReportContent) -> list[tuple[float, Disagreement]]:
    """What stood against the proof of a target; once, under the lowest of its targets."""
    found: dict[str, tuple[float, Disagreement]] = {}
    for proof in content.proofs:
        for each in proof.wrong:
            found.setdefault(each.product_id, (proof.target, each))
    return list(found.values())


def _script_data(content: ReportContent) -> dict[str, Any]:
    """What the page's script needs: curves, errors, suspects and what stood against a proof."""
    used = sorted(
        {name for error in content.errors for name in (error.category, error.predicted)}
        | {name for suspect in content.suspects for name in (suspect.label, suspect.likely)}
        | {name for _, each in _against(content) for name in (each.label, each.predicted)}
    )
    index = {name: position for position, name in enumerate(used)}
    return {
        "paths": content.paths,
        "categories": used,
        "curves": {
            mode: {level: asdict(curve) for level, curve in levels.items()}
            for mode, levels in content.curves.items()
        },
        "errors": [
            {
                "id": error.product_id,
                "title": error.title,
                "category": index[error.category],
                "predicted": index[error.predicted],
                "score": error.score,
                "decided": error.decided,
                "answer": error.answer,
                "gold": error.gold,
                "labelIsWrong": error.label_is_wrong,
                "labelConfidence": error.label_confidence,
            }
            for error in content.errors
        ],
        "doubts": [
            {
                "id": each.product_id,
                "title": each.title,
                "label": index[each.label],
                "predicted": index[each.predicted],
                "score": each.score,
                "target": percent_of(target),
            }
            for target, each in _against(content)
        ],
        "suspects": [
            {
                "id": suspect.product_id,
                "title": suspect.title,
                "label": index[suspect.label],
                "likely": index[suspect.likely],
                "score": suspect.label_score,
            }
            for suspect in content.suspects
        ],
    }
