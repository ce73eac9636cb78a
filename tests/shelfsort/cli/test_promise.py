"""`shelfsort promise check`."""

import json

import pytest
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from shelfsort.cli.monitor import monitor
from shelfsort.cli.promise import promise
from shelfsort.cli.review.command import review
from shelfsort.core.errors import InputError
from shelfsort.decisions.database.opening import open_database
from shelfsort.decisions.promise import audits


@pytest.fixture
def table(tmp_path):
    def written(wrong):
        rows = [
            f"2026-05-{day:02d},mugs,{'false' if n < wrong else 'true'}"
            for day in range(1, 11)
            for n in range(50)
        ]
        path = tmp_path / "audits.csv"
        path.write_text("\n".join(("day,category,right", *rows)) + "\n")
        return str(path)

    return written


def call(*arguments):
    done = CliRunner().invoke(promise, ["check", *arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def test_a_kept_promise_ends_well(table):
    status, text = call(table(1), "--promise", "0.98")
    assert status == 0
    assert "500 audits" in text and "98.0% right" in text


def test_a_broken_promise_ends_with_status_1_and_its_day(table):
    status, text = call(table(5), "--promise", "0.98", "--json")
    found = json.loads(text)
    assert (status, found["broken"], found["broken_categories"]) == (1, True, ["mugs"])
    values = {each["day"]: each["e_value"] for each in found["overall"]["days"]}
    assert values[found["overall"]["alarm"]] >= 20
    assert all(value < 20 for day, value in values.items() if day < found["overall"]["alarm"])


def test_the_metrics_are_readable_by_prometheus(table, tmp_path):
    place = tmp_path / "promise.prom"
    assert call(table(5), "--promise", "0.98", "--metrics", str(place))[0] == 1
    read = {
        sample.name: sample.value
        for family in text_string_to_metric_families(place.read_text())
        for sample in family.samples
    }
    assert read["shelfsort_promise_broken"] == 1
    assert read["shelfsort_audits"] == 500
    assert read["shelfsort_audited_right_ratio"] == pytest.approx(0.9)


@pytest.mark.parametrize("promised", ["0", "1", "98", "nan"])
def test_a_promise_that_is_no_share_is_refused(table, promised):
    assert call(table(1), "--promise", promised)[0] == 2


def test_days_of_a_mistyped_year_are_refused_and_no_broken_line_is_passed_over(tmp_path):
    place = tmp_path / "audits.csv"
    place.write_text("day,category,right\n0226-05-01,mugs,true\n2026-05-02,mugs,true\n")
    with pytest.raises(InputError, match=r"0226-05-01 to 2026-05-02 are more than 20 years"):
        audits.read_audits(str(place))
    place = tmp_path / "audits.jsonl"
    line = '{"day": "2026-05-01", "category": "mugs", "right": true}'
    place.write_text(f"{line}\n{line[:-9]}\n{line}\n")
    with pytest.raises(InputError, match=r"audits\.jsonl:2: "):
        audits.read_audits(str(place))


@pytest.mark.parametrize(
    "command",
    [
        lambda place: (promise, ["check", place, "--promise", "0.98", "--metrics", place]),
        lambda place: (promise, ["check", *_kept(place), "--metrics", place]),
        lambda place: (monitor, [*_kept(place), "--metrics", place]),
        lambda place: (monitor, [*_kept(place), "--page", place]),
        lambda place: (review, ["ask", "--database", place, "--output", place]),
    ],
)
def test_no_command_writes_over_what_it_reads(tmp_path, command):
    place = tmp_path / "d.db"
    open_database(str(place)).dispose()
    before = place.read_bytes()
    called, arguments = command(str(place))
    done = CliRunner().invoke(called, arguments)
    assert isinstance(done.exception, InputError) and "is the input" in str(done.exception)
    assert place.read_bytes() == before


def _kept(place):
    return "--database", place, "--promise", "0.98"
