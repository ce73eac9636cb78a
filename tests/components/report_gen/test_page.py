"""The page as text: complete, self-contained, and safe from what products are called."""

import dataclasses
import json
import math
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.check import Check
from components.drift_check.artifact import DriftFindings
from components.evaluator.artifact import Metrics, UnloadableLive, Verdict
from components.manifest_example_gen.artifact import Ingestion
from components.report_gen import page
from components.report_gen.content import assemble
from components.report_gen.sections import Anomaly
from components.trainer.artifact import Disagreement, FailedProof, FailedProofs
from components.tuner.artifact import Search, TrialRecord
from shelfsort.core.terminal import visible
from shelfsort.core.web.inline import script_digest
from shelfsort.labeling.label_issues import Suspect, Trial
from shelfsort.products.manifest.rejects import Reject


class Scripts(HTMLParser):
    """Collects the <script> elements the way a browser would end them."""

    def __init__(self, html: str):
        super().__init__()
        self.found: list[tuple[dict, str]] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag == "script":
            self.found.append((dict(attrs), ""))
        self.attributes += [(tag, name) for name, _ in attrs]

    def handle_data(self, data):
        if self.cdata_elem == "script":
            attributes, text = self.found[-1]
            self.found[-1] = (attributes, text + data)


def drawn(inputs, pictures=None, **changed) -> str:
    content = dataclasses.replace(assemble(inputs), **changed)
    return page.render(content, pictures or {}).decode()


def test_the_verdict_comes_first_with_every_reason(run_inputs):
    inputs = run_inputs(200, blessed=False)
    html = drawn(inputs)
    assert html.index('class="verdict bad"') < html.index('<section id="live"')
    for check in inputs.verdict.checks:
        assert page.unbroken(check.reason) in html


@pytest.mark.parametrize(
    "thresholds", [{"90": 0.5}, {"90": 0.4, "95": 0.66, "97_5": 0.8, "99": 0.95}]
)
def test_every_target_of_the_model_is_shown_and_no_other(run_inputs, thresholds):
    inputs = run_inputs(200, thresholds=thresholds)
    html = drawn(inputs)
    shown = [key.replace("_", ".") for key in thresholds]
    headings = re.findall(r'<th scope="col" class="number">(Parent c|C)overage at ([\d.]+)&', html)
    assert headings == [("C", key) for key in shown] + [("Parent c", key) for key in shown]
    tiles = re.findall(r"<dt>Coverage at ([\d.]+)&nbsp;%</dt>", html)
    assert tiles == shown
    assert "Precision at 90 %" in html
    figures = page.summary(assemble(inputs)).figures
    names = [f"{name}_{key}" for key in thresholds for name in ("coverage_at", "accepted_accuracy")]
    assert list(figures) == [*names, "accuracy", "parent_accuracy"]
    assert None not in figures.values()


def test_a_model_that_decides_nothing_says_so_first(run_inputs):
    silent, sure = (run_inputs(200, thresholds={"95": each, "98": 2.0}) for each in (2.0, 0.66))
    assert "decides nothing yet</h1>" in drawn(silent)
    assert "decides nothing yet" not in drawn(sure)


def test_what_stood_against_a_target_is_shown_with_its_label_and_prediction(run_inputs):
    leaf, other = "Bags/Backpacks", "Bags/Handbags"
    against = Disagreement("t1", leaf, other, 0.998, "A red backpack")
    proofs = FailedProofs((FailedProof("combined", 0.98, 235, 1, 2, (against,)),))
    html = drawn(run_inputs(200, failed_proofs=proofs))
    assert ">Why 98&nbsp;% is not certified</h2>" in html
    shown = json.loads(Scripts(html).found[0][1])
    (doubt,) = shown["doubts"]
    names = [shown["categories"][doubt[key]] for key in ("label", "predicted")]
    assert (doubt["id"], doubt["target"], names) == ("t1", "98", [leaf, other])
    assert 'id="proof"' not in drawn(run_inputs(200))


def test_a_failed_check_gives_its_setting_its_remedy_and_its_categories_errors(run_inputs):
    failed = Check(
        "category_promise_95",
        passed=False,
        reason="Too low.",
        setting="gate.on_broken_category",
        remedy="Correct the labels.",
        categories=("Bags/Backpacks",),
    )
    html = drawn(run_inputs(900, verdict=Verdict(False, (failed,)), model_blessing=False))
    verdict = html[html.index('<section id="verdict"') : html.index('<section id="live"')]
    assert "<code>gate.on_broken_category</code>" in verdict
    assert "Correct the labels." in verdict
    assert 'data-category="Bags/Backpacks"' in verdict


@pytest.mark.parametrize(
    ("trial", "golds", "weak"),
    [
        (Trial(100, 120, 90), {}, False),
        (Trial(100, 400, 90), {}, True),
        (None, {f"p{n}": "Bags/Handbags" if n < 3 else "Bags/Backpacks" for n in range(12)}, True),
    ],
)
def test_a_list_of_label_issues_says_how_good_it_is(run_inputs, trial, golds, weak):
    suspects = [
        Suspect(f"p{n}", "Bags/Backpacks", "Bags/Handbags", 0.01, likely_score=n / 20)
        for n in range(12)
    ]
    inputs = run_inputs(60, suspects=suspects, label_search=trial, suspect_golds=golds)
    html = drawn(inputs)
    assert ("too weak" in html) is weak
    if golds:
        assert "12 of the listed products have a gold label, and 3 of those labels are" in html
    else:
        assert f"listed {trial.listed} products" in html
    # The surest come first.
    assert [each.product_id for each in assemble(inputs).suspects][:2] == ["p11", "p10"]


def test_a_search_shows_its_best_trials_and_whether_they_gained(run_inputs):
    trials = tuple(
        TrialRecord(n, "complete", {"fit.dropout": n / 40} if n else {}, 0.5 + n / 100, 0.9, 1.0)
        for n in range(20)
    )
    search = Search(0.95, "tpe", 400, 300, 0.5, 19, 0, 0.05, -0.01, 0.1, trials)
    html = drawn(dataclasses.replace(run_inputs(), search=search))
    shown = html[html.index('<section id="search"') :]
    shown = shown[: shown.index("</section>")]
    assert shown.count("<circle") == 20
    # The eleven best, and the settings as configured.
    assert shown.count('<th scope="row">') == 12
    table = shown[shown.index("<tbody") :]
    assert table.index(">19") < table.index(">18") < table.index("as configured")
    assert "within sampling error" in shown
    assert "fit.dropout" in shown
    assert 'id="search"' not in drawn(run_inputs())


def test_the_manifest_the_run_and_changed_settings_are_in_the_lineage(run_inputs):
    settings = {"gate.accuracy": 0.8}
    html = drawn(run_inputs(60, title="c/l.manifest", run_id="run-7", settings=settings))
    lineage = html[html.index('<section id="lineage"') :]
    for value in ("c/l.manifest", "run-7", "gate.accuracy=0.8"):
        assert f"<code>{value}</code>" in lineage
    assert "all defaults" in drawn(run_inputs(60))


def test_nothing_is_fetched_from_anywhere(run_inputs):
    html = drawn(run_inputs(200))
    assert (
        re.findall(r"(?:https?:)?//[a-z]", re.sub(r'"http://www.w3.org/2000/svg"', "", html)) == []
    )
    assert re.findall(r"""(?:src|href)=["'](?!#|data:)""", html) == []
    assert "@import" not in html
    assert re.findall(r"url\(", html) == []


def test_hostile_titles_stay_text(run_inputs):
    html = drawn(run_inputs(200))
    scripts = Scripts(html).found
    assert [script["type"] for script, _ in scripts[:2]] == ["application/json"] * 2
    assert len(scripts) == 3
    assert "<img src=x" not in html
    assert not set("\u2028\u202e\x1b") & set(html)
    first = json.loads(scripts[0][1])["errors"][0]
    assert (
        first["title"]
        == '</script><img src=x onerror="window.hacked=1">\\u2028{{ 7*7 }}\\x1b[31m\\u202e'
    )


def test_hostile_names_everywhere_else_stay_text(run_inputs):
    evil = '"><script>alert(1)</script>'
    inputs = run_inputs(
        60,
        shelves={"Bags": [evil, "Handbags"], "Shoes": ["Sandals"]},
        model_name=evil,
        title=evil,
        lineage={"git_commit": evil, "approved_by": evil},
        suspects=[Suspect(evil, evil, evil, 0.1, title=evil)],
        anomalies=[Anomaly("eval", evil, evil, evil, "error")],
        verdict=Verdict(
            blessed=False,
            checks=(Check(evil, False, evil),),
            live=UnloadableLive(evil, evil),
            approved_by=evil,
            overridden=(evil,),
        ),
    )
    scripts = Scripts(drawn(inputs)).found
    assert len(scripts) == 3
    assert not any(name.startswith("on") for _, name in Scripts(drawn(inputs)).attributes)


def test_with_several_manifests_each_reject_names_its_file(run_inputs):
    rejects = [Reject(7, "r", "unknown_label", "", "", file="in/mon.manifest")]
    files = {"in/mon.manifest": 6}
    ingestion = Ingestion(9, 6, 2, 1, {"unknown_label": 1}, files=files)
    changed = {"rejects": rejects, "ingestion": ingestion}
    one = page.render(assemble(run_inputs(60, **changed)), {}).decode()
    assert "mon.manifest" not in one
    files["in/tue.manifest"] = 0
    several = page.render(assemble(run_inputs(60, **changed)), {}).decode()
    assert "<bdi>mon.manifest</bdi>" in several


def test_products_that_only_train_are_counted_with_the_accepted(run_inputs):
    ingestion = Ingestion(9, 8, rejected=1, inner={"Shoes": 2, "Bags": 1})
    html = drawn(run_inputs(60, ingestion=ingestion, rejects=[]))
    assert "8 were accepted. 3 of them only train" in html
    assert "only train" not in drawn(run_inputs(60))


def test_a_lone_surrogate_does_not_stop_the_report(run_inputs):
    rejects = [Reject(1, "\ud800", "unknown_label", "x", "")]
    assert b"The label is not in the taxonomy" in page.render(
        assemble(run_inputs(60, rejects=rejects)), {}
    )


def test_the_policy_allows_the_pages_own_script_only(run_inputs):
    html = drawn(run_inputs(60))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html).group(1)
    script = Scripts(html).found[2][1]
    assert f"script-src 'sha256-{script_digest(script)}'" in policy
    assert "default-src 'none'" in policy


def test_the_page_in_brief_has_its_verdict_and_figures(run_inputs):
    inputs = run_inputs(200, blessed=False)
    found = page.summary(assemble(inputs))
    assert (found.model_name, found.blessed, found.n) == ("shelves", False, 200)
    assert found.failed == (f"accepted_accuracy_95: {inputs.verdict.checks[0].reason}",)
    figures = inputs.metrics.figures()
    assert found.figures == {name: figures[name] for name in found.figures}
    assert len(found.figures) == 6


@given(st.text())
def test_inline_json_survives_and_never_ends_its_element(text):
    written = str(page.inline_json({"title": text}))
    assert json.loads(written) == {"title": visible(text)}
    assert not set("<>&\u2028\u2029") & set(written)


def test_inline_json_refuses_what_a_browser_cannot_parse():
    with pytest.raises(ValueError, match="JSON"):
        page.inline_json({"score": math.nan})


@pytest.mark.parametrize(
    ("share", "written"),
    [(0.9123, "91.2 %"), (1.0, "100.0 %"), (0.99996, "99.9 %"), (0.0, "0.0 %"), (None, "–")],
)
def test_percentages_are_never_rounded_up_to_certainty(share, written):
    assert page.percent(share).replace("\u202f", " ") == written


def test_a_small_share_is_not_written_as_none_at_all():
    assert page.percent(0.0001).replace("\u202f", " ") == "< 0.1 %"
    assert page.percent(0.00001, 2).replace("\u202f", " ") == "< 0.01 %"


@pytest.mark.parametrize(
    ("value", "written"), [(-0.0, "0"), (-0.02, "-0.02"), (0.00001, "0"), (1234.5, "1,234.5")]
)
def test_numbers_are_written_with_four_decimals_at_the_most(value, written):
    assert page.plain(value) == written


def test_differences_are_written_in_points_with_their_sign():
    assert [page.points(value) for value in (0.0123, -0.05, 0.0001, -0.0001, None)] == [
        "+1.2",
        "−5.0",
        "0.0",
        "0.0",
        "–",
    ]


def test_sections_appear_only_where_there_is_something_to_say(run_inputs):
    bare = drawn(
        run_inputs(
            60, live=False, anomalies=None, serving_check=None, lineage={}, rejects=[], drift=None
        )
    )
    assert '<section id="live"' not in bare
    assert '<section id="suspects"' not in bare
    suspects = [Suspect("p1", "a", "b", 0.02, title="Bag")]
    assert '<section id="suspects"' in drawn(run_inputs(60, suspects=suspects))


def test_what_drifted_is_shown_with_distance_threshold_and_counts(run_inputs):
    html = drawn(run_inputs(60))
    section = html[html.index('<section id="drift"') : html.index('<section id="labelling"')]
    for said in ("0.974", "0.055", "1,190", "1,111", "(1 of 11)"):
        assert said in section, said
    assert section.count(">failed<") == 3
    # A category that drifted stands above those that changed by chance.
    assert "Backpacks" in section[section.index('class="compact shares"') :].split("</tr>")[1]


def test_a_run_without_words_draws_the_modes_it_has(run_inputs):
    whole = run_inputs(60)
    pictures_only = run_inputs(
        60,
        predictions=whole.predictions[whole.predictions["mode"] != "text"],
        metrics=dataclasses.replace(
            whole.metrics,
            modalities={k: v for k, v in whole.metrics.modalities.items() if k != "text"},
        ),
    )
    html = drawn(pictures_only)
    assert page.MODE_NAMES["text"] not in html
    assert page.MODE_NAMES["image"] in html


def test_nothing_scored_at_all_still_gives_a_page(run_inputs):
    whole = run_inputs(60)
    nothing = {"predictions": whole.predictions.head(0), "metrics": Metrics(), "categories": []}
    html = drawn(run_inputs(60, **nothing))
    assert '<table class="modes' not in html


def test_labelling_cost_is_shown_or_said_to_be_unknown(run_inputs):
    assert "21.60" not in drawn(run_inputs(60, price_per_answer=None))
    assert "21.60" in drawn(run_inputs(60))  # 1,800 answers at 0.012


class Sentences(HTMLParser):
    """The text of headings, paragraphs, table heads and terms, each once."""

    SPOKEN = ("h1", "h2", "p", "dt", "dd", "caption", "legend", "summary", "figcaption")

    def __init__(self, html: str):
        super().__init__()
        self.found: dict[str, None] = {}
        self._inside, self._text = "", ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        column = tag == "th" and ("scope", "col") in attributes
        if not self._inside and (tag in self.SPOKEN or column):
            self._inside, self._text = tag, ""

    def handle_data(self, data):
        self._text += data

    def handle_endtag(self, tag):
        if tag == self._inside:
            if sentence := " ".join(self._text.split()):
                self.found[sentence] = None
            self._inside = ""


def test_the_cost_to_serve_is_shown_with_its_units(run_inputs):
    html = drawn(run_inputs(60))
    text = " ".join(re.sub("<[^>]+>", " ", html[html.index('<section id="cost"') :]).split())
    assert "Alone in a request 12.5 ms 20.0 ms" in text
    assert "In a batch of 32 3.2 ms 6.5 ms" in text
    assert "Model on disk 24 MB" in text
    assert "Peak memory 700 MB" in text
    assert 'id="cost"' not in drawn(run_inputs(60, serving_cost=None))


def test_golden_report(run_inputs, golden):
    """A full report, one of a refused first model without data checks, and one without figures."""
    suspects = [Suspect("p1", "a", "b", 0.02, title="Bag")]
    bare = {"live": False, "anomalies": None, "lineage": {}, "rejects": [], "drift": None}
    nothing = run_inputs(60).predictions.head(0)
    empty = {"predictions": nothing, "metrics": Metrics(), "categories": []}
    found = {}
    for changed in (
        {"suspects": suspects},
        {
            **bare,
            "serving_check": None,
            "serving_cost": None,
            "blessed": False,
            "price_per_answer": None,
        },
        {**empty, "drift": DriftFindings("2", None, "it has no statistics")},
        {"drift": DriftFindings("", None)},
    ):
        found |= Sentences(drawn(run_inputs(60, **changed))).found
    golden("report.txt", found)


def test_only_what_was_explained_is_explained_and_the_rest_stays_as_it_was(
    run_inputs, explanations
):
    content = assemble(run_inputs(200))
    explained = explanations(content)
    html = page.render(content, {}, explained=explained).decode()
    data = next(t for a, t in Scripts(html).found if a.get("id") == "data")
    ((product_id, why),) = json.loads(data)["explained"].items()
    assert product_id == content.errors[0].product_id
    assert why["alone"] == {"text": [0.999996, 0.000001], "image": [0.25, None]}
    assert [(kind, change) for kind, _, change in why["predicted"]] == [
        ("word", 2.5),
        ("price", 0.4),
    ]
    assert [near["id"] for near in why["nearest"]] == ["t1", "t2"]
    assert html.count("<img") == page.render(content, {}).decode().count("<img") == 1
    without = page.render(content, {}).decode()
    assert "Why?" in html.split("<script")[0] and "Why?" not in without.split("<script")[0]
