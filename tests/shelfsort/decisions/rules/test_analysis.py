"""Gaps, overlaps and unreachable rules: by hand, and against z3 as an oracle."""

import random

import pytest
import z3

from shelfsort.decisions.rules.analysis import analyse
from shelfsort.decisions.rules.reading import load_rules
from tests.shelfsort.decisions.rules.conftest import TREE

FILES = 1_000
LEAVES = ("boots", "clogs", "mugs", "bags")
INNER = {"shoes": ("boots", "clogs"), "all": LEAVES}
LEVELS = ("no", "95", "98")
FIELDS = {"shop": ("a", "b"), "kind": ("x", "y", "z")}


def kinds(path):
    return [(each.kind, each.line) for each in analyse(load_rules(path))]


def test_a_gap_is_named_with_an_example(write):
    path = write("""
fields: {shop: [a, b]}
rules:
  - name: sure
    when: {accepted: 95}
    then: {outcome: publish}
  - name: shoes
    when: {category: Shoes, score: {at_least: 0.5}}
    then: {outcome: publish}
""")
    found = analyse(load_rules(path))
    assert [each.kind for each in found] == ["gap", "gap", "no_default"]
    assert {each.line for each in found} == {7}
    assert "accepted no" in found[0].text and found[0].is_error
    texts = " | ".join(each.text for each in found)
    assert "score below 0.5" in texts and "mugs" in texts


def test_a_rule_behind_others_that_match_it_all_never_decides(write):
    path = write("""
rules:
  - name: low
    when: {score: {below: 0.5}}
    then: {outcome: review}
  - name: high
    when: {score: {at_least: 0.5}}
    then: {outcome: publish}
  - name: boots
    when: {category: boots}
    then: {outcome: refuse}
""")
    assert ("unreachable", 9) in kinds(path)


def test_the_value_between_two_ends_is_a_gap(write):
    path = write("""
rules:
  - name: low
    when: {score: {below: 0.5}}
    then: {outcome: review}
  - name: high
    when: {score: {above: 0.5}}
    then: {outcome: publish}
""")
    found = [each for each in analyse(load_rules(path)) if each.kind == "gap"]
    assert [each.text for each in found] == ["no rule matches: score at least 0.5 and at most 0.5"]


def test_an_exception_from_a_later_rule_is_no_overlap_and_a_crossing_is(write):
    path = write("""
rules:
  - name: boots
    when: {category: boots}
    then: {outcome: refuse}
  - name: shoes
    when: {category: shoes}
    then: {outcome: publish}
  - name: unsure
    when: {accepted: no}
    then: {outcome: review}
default: {outcome: publish}
""")
    found = analyse(load_rules(path))
    assert [(each.kind, each.line, each.is_error) for each in found] == [
        ("overlap", 9, False),
        ("overlap", 9, False),
    ]


def test_a_default_that_decides_nothing_is_told(write):
    path = write("""
rules:
  - name: everything
    then: {outcome: review}
default: {outcome: publish}
""")
    assert kinds(path) == [("unused_default", 5)]


def made_up(chance: random.Random) -> dict:
    """A file of rules about random conditions."""
    rules = []
    for number in range(chance.randint(1, 7)):
        when: dict = {}
        if chance.random() < 0.6:
            named = [*LEAVES, *INNER]
            when["category"] = chance.sample(named, chance.randint(1, 2))
        if chance.random() < 0.5:
            when["accepted"] = chance.choice(LEVELS)
        if chance.random() < 0.5:
            low, high = sorted(chance.sample([0.2, 0.4, 0.5, 0.9], 2))
            when["score"] = {
                chance.choice(["at_least", "above"]): low,
                chance.choice(["at_most", "below"]): high,
            }
        for name, values in FIELDS.items():
            if chance.random() < 0.4:
                chosen = chance.sample(values, chance.randint(1, len(values)))
                when.setdefault("fields", {})[name] = chosen
        then = {"outcome": chance.choice(["publish", "review"])}
        rules.append({"name": f"rule {number}", "when": when, "then": then})
    fields = {name: list(values) for name, values in FIELDS.items()}
    return {"taxonomy": "tree.json", "fields": fields, "rules": rules}


class Oracle:
    """The same questions, put to z3."""

    def __init__(self, content: dict):
        self._category, self._level = z3.Int("category"), z3.Int("level")
        self._score = z3.Real("score")
        self._fields = {name: z3.Int(name) for name in FIELDS}
        self._solver = z3.Solver()
        self._solver.add(self._category >= 0, self._category < len(LEAVES))
        self._solver.add(self._level >= 0, self._level < len(LEVELS))
        self._solver.add(self._score >= 0, self._score <= 1)
        for name, values in FIELDS.items():
            self._solver.add(self._fields[name] >= 0, self._fields[name] < len(values))
        self._rules = [self._matches(rule["when"]) for rule in content["rules"]]
        self._outcomes = [rule["then"]["outcome"] for rule in content["rules"]]

    def _matches(self, when: dict) -> z3.BoolRef:
        ends = {
            "at_least": self._score.__ge__,
            "above": self._score.__gt__,
            "at_most": self._score.__le__,
            "below": self._score.__lt__,
        }
        conditions = [ends[name](value) for name, value in when.get("score", {}).items()]
        if "category" in when:
            leaves = [leaf for each in when["category"] for leaf in INNER.get(each, (each,))]
            conditions.append(z3.Or([self._category == LEAVES.index(leaf) for leaf in leaves]))
        if "accepted" in when:
            level = LEVELS.index(when["accepted"])
            conditions.append(self._level >= level if level else self._level == 0)
        for name, values in when.get("fields", {}).items():
            places = [FIELDS[name].index(value) for value in values]
            conditions.append(z3.Or([self._fields[name] == place for place in places]))
        return z3.And(conditions)

    def possible(self, *conditions: z3.BoolRef) -> bool:
        return self._solver.check(*conditions) == z3.sat

    def has_gap(self) -> bool:
        return self.possible(*map(z3.Not, self._rules))

    def unreachable(self) -> list[int]:
        return [
            number
            for number, rule in enumerate(self._rules)
            if not self.possible(rule, *map(z3.Not, self._rules[:number]))
        ]

    def overlaps(self) -> list[tuple[int, int]]:
        pairs = []
        for later, rule in enumerate(self._rules):
            for earlier, other in enumerate(self._rules[:later]):
                if (
                    self._outcomes[earlier] != self._outcomes[later]
                    and self.possible(rule, other)
                    and self.possible(rule, z3.Not(other))
                    and self.possible(other, z3.Not(rule))
                ):
                    pairs.append((later, earlier))
        return pairs


@pytest.mark.slow
def test_a_thousand_files_are_judged_as_by_z3(write):
    assert [node["id"] for node in TREE if not node["subcategories"]] == list(LEAVES)
    chance = random.Random(7)
    seen = {"gap": 0, "unreachable": 0, "overlap": 0, "whole": 0}
    for _ in range(FILES):
        content = made_up(chance)
        rules, oracle = load_rules(write(content)), Oracle(content)
        found = analyse(rules)
        lines = [rule.line for rule in rules.rules]
        of_kind = {kind: [each for each in found if each.kind == kind] for kind in seen}
        assert bool(of_kind["gap"]) == oracle.has_gap()
        assert [lines.index(each.line) for each in of_kind["unreachable"]] == oracle.unreachable()
        assert [lines.index(each.line) for each in of_kind["overlap"]] == [
            later for later, _ in oracle.overlaps()
        ]
        for kind, each in of_kind.items():
            seen[kind] += bool(each)
        seen["whole"] += not of_kind["gap"]
    assert min(seen.values()) >= FILES / 20, seen
