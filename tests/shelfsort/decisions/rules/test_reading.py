"""What a file of rules says, and what is refused with its line."""

import pytest

from shelfsort.core.errors import InputError
from shelfsort.decisions.rules.model import Facts, UndecidableError
from shelfsort.decisions.rules.reading import load_rules

RULES = """
targets: [0.95, 0.975]
fields: {shop: [a, b]}
rules:
  - name: shoes of shop a
    when: {category: Shoes, accepted: 95, fields: {shop: a}}
    then: {outcome: publish, reason: It is a shoe.}
  - name: unsure
    when: {accepted: no}
    then: {outcome: review}
"""


def facts(category="boots", accepted="97.5", score=0.9, **fields):
    return Facts(category, accepted, score, {"shop": "a", **fields})


def test_a_category_stands_for_all_beneath_it_and_a_target_for_stricter_ones(write):
    rules = load_rules(write(RULES))
    assert rules.levels == ["no", "95", "97.5"]
    for category in ("boots", "clogs"):
        for accepted in ("95", "97.5"):
            then = rules.decide(facts(category, accepted))
            assert (then.outcome, then.reason) == ("publish", "It is a shoe.")
    assert rules.decide(facts(accepted="no")).rule == "unsure"


def test_the_first_rule_that_matches_decides_and_then_the_default(write):
    text = RULES + "default: {outcome: later}\n"
    rules = load_rules(write(text.replace("accepted: no", "category: boots")))
    assert rules.decide(facts("boots")).outcome == "publish"
    assert rules.decide(facts("boots", shop="b")).outcome == "review"
    assert rules.decide(facts("mugs")).rule == "default"


@pytest.mark.parametrize(
    "wrong",
    [
        {"category": "gloves"},
        {"category": "shoes"},
        {"accepted": "98"},
        {"score": float("nan")},
        {"score": 1.5},
        {"shop": "c"},
        {"category": "mugs"},
    ],
)
def test_what_the_rules_do_not_know_is_not_decided(write, wrong):
    with pytest.raises(UndecidableError):
        load_rules(write(RULES)).decide(facts(**wrong))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Shoes", "Shoe", r"rules.yaml:6: .*Shoes"),
        ("accepted: 95", "accepted: 98", r"rules.yaml:6: no acceptance level '98'"),
        ("accepted: 95", f"accepted: {'9' * 400}", r"rules.yaml:6: .*too large"),
        ("{shop: a}", "{shop: c}", r"rules.yaml:6: shop is never 'c'"),
        ("{shop: a}", "{store: a}", r"rules.yaml:6: no field 'store'"),
        ("name: unsure", "name: shoes of shop a", r"rules.yaml:8: .* line 5"),
        ("accepted: no", "acc: no", r"rules.yaml:9: no setting 'rules.1.when.acc'"),
        ("accepted: no", "score: {at_least: 0.5, below: 0.5}", r"rules.yaml:9: .*no score lies"),
        ("outcome: review", "outcome: 'no way'", r"rules.yaml:10: "),
    ],
)
def test_a_mistake_is_named_with_its_line(write, old, new, said):
    with pytest.raises(InputError, match=said):
        load_rules(write(RULES.replace(old, new)))


def test_another_tree_is_another_version_of_the_rules(write, tmp_path):
    path = write(RULES)
    before = load_rules(path).digest
    assert load_rules(path).digest == before
    tree = tmp_path / "tree.json"
    tree.write_text(tree.read_text().replace('"Bags"', '"Sacks"'))
    assert load_rules(path).digest != before


@pytest.mark.parametrize("where", ['name: "a\\0"', 'name: "a\\ud800"'])
def test_text_that_no_database_takes_is_refused_with_its_line(write, where):
    with pytest.raises(InputError, match=r"rules\.yaml:3: rules\.0\.name"):
        load_rules(write(f"rules:\n  - {{{where}, then: {{outcome: review}}}}\n"))


def test_a_file_without_measure_is_refused_before_it_is_read(write):
    rule = "  - {name: %d, then: {outcome: review}}\n"
    text = "rules:\n" + "".join(rule % number for number in range(30_000))
    with pytest.raises(InputError, match="larger than 1 MiB"):
        load_rules(write(text))
