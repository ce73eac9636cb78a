"""The worked example, and rows that cannot be decided."""

from pathlib import Path

import pytest

from shelfsort.decisions.rules.analysis import analyse
from shelfsort.decisions.rules.examples import examples
from shelfsort.decisions.rules.reading import load_rules

WORKED = Path(__file__).parents[4] / "examples/decisions"


def test_the_worked_example_decides_as_its_table_says():
    rules = load_rules(str(WORKED / "photo_reviews.yaml"))
    assert analyse(rules) == []
    tried = list(examples(str(WORKED / "photo_reviews.csv"), rules))
    assert len(tried) == 8 and all(each.holds for each in tried)
    by_outcome = {each.outcome: each.then.rule for each in tried}
    assert by_outcome["review"] == "default"


def test_a_row_that_is_decided_otherwise_or_not_at_all_does_not_hold(write, tmp_path):
    rules = load_rules(write("rules: [{name: all, then: {outcome: review}}]"))
    table = tmp_path / "t.csv"
    rows = ("boots,no,0.5,review", "boots,no,0.5,publish", "boots,99,0.5,review")
    table.write_text("\n".join(("category,accepted,score,outcome", *rows)) + "\n")
    tried = list(examples(str(table), rules))
    assert [each.holds for each in tried] == [True, False, False]
    assert tried[2].then is None and "99" in tried[2].problem
    assert [each.place.rpartition(":")[2] for each in tried] == ["2", "3", "4"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("gloves,no,0.5,review", "gloves"),
        ("boots,no,high,review", "high"),
        ("boots,,0.5,review", "no value for accepted"),
        ("boots,no", "no value for score"),
    ],
)
def test_a_row_without_a_value_does_not_hold_and_the_others_are_tried(write, tmp_path, row, said):
    rules = load_rules(write("rules: [{name: all, then: {outcome: review}}]"))
    rows = ("category,accepted,score,outcome", row, "boots,no,0.5,review")
    (tmp_path / "t.csv").write_text("\n".join(rows) + "\n")
    wrong, right = examples(str(tmp_path / "t.csv"), rules)
    assert not wrong.holds and said in wrong.problem and wrong.place.endswith(":2")
    assert right.holds
