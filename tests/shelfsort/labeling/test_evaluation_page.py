"""The page of an evaluation in a real browser: it fits, shows its figures and asks for nothing."""

import pytest

from shelfsort.labeling.answers import Answer
from shelfsort.labeling.consensus import paths_above
from shelfsort.labeling.evaluation import between_jobs, job_quality
from shelfsort.labeling.evaluation_job import EvaluatedJob
from shelfsort.labeling.evaluation_page import page
from shelfsort.labeling.job_report import Prices, price_effects, report_jobs
from shelfsort.labeling.pay import TimedAnswer
from shelfsort.products.manifest.annotations import Annotation, Annotations

HOSTILE = "<img src=x onerror=document.title='run'>"


def job(name, wrong):
    """60 products: five good workers and a spammer, three answers each."""
    said, answers, gold = {}, [], {}
    for n in range(60):
        truth = f"Kitchen > Cups > {'abc'[n % 3]}"
        gold[f"p{n}"] = truth
        given = []
        for k in range(3):
            worker = (n + k) % 6
            label = truth
            if worker == 5 or (n + k) % wrong == 0:
                label = f"Kitchen > Cups > {HOSTILE if worker == 5 else 'abc'[(n + 1) % 3]}"
            given.append(Annotation(f"worker-{worker}", label))
        said[f"p{n}"] = Annotations(tuple(given))
        answers += [Answer(f"p{n}", each.worker, each.label) for each in given]
    quality = job_quality(said, gold, lambda label: label, paths_above, "cannot tell")
    times = [TimedAnswer(each.worker, 10.0) for each in answers]
    return EvaluatedJob(name, quality, answers, times, gold, paths_above)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    jobs = [job("cheap", 5), job(HOSTILE, 9)]
    reports = report_jobs(jobs, Prices([0.036, 0.072], 0.0, 100_000))
    between = [(("cheap", HOSTILE), *between_jobs(jobs[0].quality, jobs[1].quality))]
    path = tmp_path_factory.mktemp("evaluation") / "jobs.html"
    path.write_bytes(page(reports, price_effects(reports), between))
    return path


@pytest.mark.slow
@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)])
def test_the_page_fits_and_shows_what_was_found(browser, path, width, dark):
    scheme = "dark" if dark else "light"
    tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    complaints = []
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("request", lambda request: complaints.append(request.url))
    tab.goto(path.as_uri())
    assert complaints == [path.as_uri()]
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert HOSTILE in tab.title()
    assert tab.locator("img, script").count() == 0
    warned = tab.locator(".intervals .warned .name").all_inner_texts()
    assert warned == ["worker-5"] * 2
    # A dot stands where its share is on the track.
    row = tab.locator(".intervals").first.locator("li").first
    track, dot = (row.locator(name).bounding_box() for name in (".track", ".dot"))
    shown = float(row.locator(".shown").inner_text().split(", ")[1].rstrip("%")) / 100
    middle = dot["x"] + dot["width"] / 2
    assert (middle - track["x"]) / track["width"] == pytest.approx(shown, abs=0.01)
    for name in tab.locator(".intervals .name, svg text").all():
        box = name.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
    assert tab.get_by_text("What a higher price brought").count() == 1
    tab.close()
