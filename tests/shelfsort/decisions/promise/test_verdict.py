"""Audits by day, and what they say about a promise."""

from datetime import date, timedelta

import numpy as np
import pytest

from shelfsort.core.errors import InputError
from shelfsort.decisions.promise.audits import Audit, read_audits
from shelfsort.decisions.promise.verdict import judge
from shelfsort.stats.eprocess import daily_e_values

START = date(2026, 3, 1)


def audits(accuracy, days, each=20, category="mugs", start=START, seed=0):
    rng = np.random.default_rng(seed)
    return [
        Audit(start + timedelta(day), category, bool(right))
        for day in range(days)
        for right in rng.random(each) < accuracy
    ]


def test_the_alarm_has_the_day_on_which_the_evidence_sufficed():
    found = judge(audits(0.8, 10), 0.98, 0.05)
    values = daily_e_values(found.overall.counts.right, found.overall.counts.wrong, 0.98)
    day = int(np.argmax(values >= 20))
    assert found.overall.alarm == START + timedelta(day)
    assert found.is_broken and found.broken == ["mugs"]
    low, high = found.overall.interval
    assert low < found.overall.share < high


def test_a_kept_promise_is_not_broken_and_days_without_audits_count():
    found = judge([*audits(1.0, 3), *audits(1.0, 1, start=START + timedelta(9))], 0.98, 0.05)
    assert not found.is_broken and found.overall.alarm is None
    assert len(found.overall.counts.days) == 10
    assert found.overall.counts.n == 80


def test_one_bad_category_is_named_among_good_ones():
    good = [a for name in "abcdefgh" for a in audits(0.99, 60, 30, name, seed=ord(name))]
    found = judge([*good, *audits(0.85, 60, 30, "bad")], 0.98, 0.05)
    assert found.broken == ["bad"]
    assert found.overall.alarm is not None and found.rest.alarm is None
    assert found.rest.counts.n == 8 * 60 * 30


def test_what_is_older_than_a_year_belongs_to_a_test_that_is_over():
    old = audits(0.5, 30)
    new = audits(1.0, 30, start=START + timedelta(365))
    found = judge([*old, *new], 0.98, 0.05)
    assert found.overall.counts.n == 600 and not found.is_broken
    assert found.overall.counts.days[0] == START + timedelta(365)


def test_a_table_is_read_in_several_spellings(tmp_path):
    table = tmp_path / "a.csv"
    table.write_text("day,category,right\n2026-01-02,mugs,true\n2026-01-03T10:00,mugs,0\n")
    assert read_audits(str(table)) == [
        Audit(date(2026, 1, 2), "mugs", True),
        Audit(date(2026, 1, 3), "mugs", False),
    ]


@pytest.mark.parametrize(
    "row", ["2026-13-01,mugs,true", ",mugs,true", "2026-01-01,mugs,perhaps", "2026-01-01,,true"]
)
def test_a_value_that_is_none_is_refused_with_its_line(tmp_path, row):
    table = tmp_path / "a.csv"
    table.write_text(f"day,category,right\n{row}\n")
    with pytest.raises(InputError, match=r"a\.csv:2: "):
        read_audits(str(table))


def test_a_table_without_rows_is_refused(tmp_path):
    table = tmp_path / "a.csv"
    table.write_text("day,category,right\n")
    with pytest.raises(InputError, match="no audits"):
        read_audits(str(table))
