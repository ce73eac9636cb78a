import json

import pytest
from click.testing import CliRunner

from shelfsort.cli.labels.command import labels


def manifest(path, consensus, right_of_consensus, right, minutes=1):
    """100 products, three workers, with these counts; the rest has the job's own result."""
    lines = []
    for n in range(100):
        agreed = n < consensus
        is_right = n < right_of_consensus if agreed else n < consensus + right - right_of_consensus
        label = "T > right" if is_right else "T > wrong"
        given = [label, *((label, "T > x") if agreed else ("T > x", "T > y"))]
        workers = [
            {
                "worker_id": f"w{k}",
                "label": each,
                "seconds": 12,
                "submitted": f"2026-01-01T{n * minutes // 60:02}:{n * minutes % 60:02}:0{k}Z",
            }
            for k, each in enumerate(given)
        ]
        lines.append(
            {
                "id": f"p{n:03}",
                "gold": "T > right",
                "shelf": {"workers": workers, "result": {"shelf": label}, "confidence": 0.5},
                "shelf-metadata": {"type": "groundtruth/custom"},
            }
        )
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def evaluated(*arguments):
    result = CliRunner().invoke(labels, ["evaluate", *map(str, arguments), "--json"])
    assert result.exception is None, result.exception
    return json.loads(result.output)


# The jobs of the first project: three of the first round, two of the second.
@pytest.mark.parametrize(
    ("consensus", "right_of_consensus", "right"),
    [(26, 22, 42), (47, 41, 58), (35, 31, 60), (59, 56, 68), (75, 72, 72)],
)
def test_manifests_of_known_counts_give_them_back(tmp_path, consensus, right_of_consensus, right):
    path = manifest(tmp_path / "job.manifest", consensus, right_of_consensus, right)
    (job,) = evaluated(path)["jobs"]
    found = {
        name: (job[name]["count"], job[name]["n"])
        for name in ("consensus", "right", "right_of_consensus")
    }
    assert found == {
        "consensus": (consensus, 100),
        "right": (right, 100),
        "right_of_consensus": (right_of_consensus, consensus),
    }


def test_money_and_time_are_given_by_job_and_by_price(tmp_path):
    cheap = manifest(tmp_path / "cheap.manifest", 26, 22, 42, minutes=6)
    dear = manifest(tmp_path / "dear.manifest", 47, 41, 58, minutes=2)
    report = evaluated(dear, cheap, "--price", 0.072, "--price", 0.036, "--fee", 0.08)
    first, second = report["jobs"]
    assert (first["price"], second["price"]) == (0.072, 0.036)
    # 300 answers of 12 s each make an hour.
    assert first["per_hour"] == pytest.approx(0.072 * 300)
    assert first["cost"]["spent"] == pytest.approx(300 * 0.072 + 100 * 0.08)
    assert first["hours"] == pytest.approx(99 * 2 / 60, abs=0.01)
    (effect,) = report["higher_price"]
    assert (effect["cheap"], effect["dear"]) == (str(cheap), str(dear))
    assert effect["price"] == pytest.approx(0.036)
    assert effect["consensus"]["points"] == pytest.approx(0.21)
    assert effect["right"]["points"] == pytest.approx(0.16)
    assert effect["hours"] == pytest.approx(99 * 4 / 60, abs=0.01)
    assert [each["measured"] for each in first["by_number_of_workers"]] == [True] * 3 + [False] * 2
    pair = first["confused"][0]
    assert (pair["truth"], pair["named"], pair["siblings"]) == ("T > right", "T > x", True)


def test_prices_are_one_for_all_jobs_or_one_for_each(tmp_path):
    path = manifest(tmp_path / "a.manifest", 5, 5, 5)
    both = evaluated(path, path, "--price", 0.1)["jobs"]
    assert [job["price"] for job in both] == [0.1, 0.1]
    arguments = ["evaluate", str(path), "--price", "1", "--price", "2"]
    assert CliRunner().invoke(labels, arguments).exit_code == 2
    (job,) = evaluated(path)["jobs"]
    assert (job["cost"], job["per_hour"]) == (None, None)


def test_the_page_is_written(tmp_path):
    path = manifest(tmp_path / "a.manifest", 26, 22, 42)
    page = tmp_path / "job.html"
    arguments = ["evaluate", str(path), "--price", "0.048", "--html", str(page)]
    assert CliRunner().invoke(labels, arguments).exit_code == 0
    assert "26 of 100, 26.0%" in page.read_text()


@pytest.mark.parametrize(("known", "said"), [(0, "crowd"), (10, "10 of 100"), (100, "")])
def test_the_report_says_how_many_products_gold_judges(tmp_path, known, said):
    path = manifest(tmp_path / "a.manifest", 26, 22, 42)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines[known:]:
        del line["gold"]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    (job,) = evaluated(path)["jobs"]
    assert job["judged_by_gold"]["count"] == known
    assert job["judged_by_gold"]["n"] == 100
    page = tmp_path / "job.html"
    text = CliRunner().invoke(labels, ["evaluate", str(path), "--html", str(page)]).output
    for shown in (text, page.read_text()):
        assert said in shown
        assert ("crowd&#x27;s own" in shown or "crowd's own" in shown) is (known < 100)


def test_gold_that_nobody_named_does_not_judge_the_number_of_workers(tmp_path):
    path = manifest(tmp_path / "a.manifest", 26, 22, 42)
    gold = tmp_path / "gold.csv"
    gold.write_text("task,gold\np000,T > right\np001,T > never\n")
    (job,) = evaluated(path, "--gold", gold)["jobs"]
    assert job["judged_by_gold"]["count"] == 99
