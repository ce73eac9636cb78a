import pytest

from shelfsort.labeling.answers import Answer
from shelfsort.labeling.asking.gold_questions import gold_workers, next_gold

GOLD = {f"g{n}": "a" for n in range(8)}


def answered(worker, right, n):
    return [Answer(f"g{i}", worker, "a" if i < right else "b") for i in range(n)]


def test_a_worker_who_is_surely_wrong_too_often_is_banned():
    # 1 of 8 right is at most .4707 (Clopper-Pearson, one-sided 95 %); 3 of 8 at most .7108.
    given = [*answered("ann", 8, 8), *answered("bob", 1, 8), *answered("cat", 3, 8)]
    found = gold_workers([*given, Answer("other", "bob", "a")], GOLD, ban_below=0.6)
    assert [(each.name, each.right, each.asked, each.banned) for each in found] == [
        ("bob", 1, 8, True),
        ("cat", 3, 8, False),
        ("ann", 8, 8, False),
    ]
    assert (found[0].low, found[0].high) == pytest.approx((0.0032, 0.5265), abs=1e-4)


def test_few_gold_questions_ban_nobody():
    assert not gold_workers(answered("bob", 0, 4), GOLD, ban_below=0.9)[0].banned


def test_questions_rotate_and_nobody_gets_one_twice():
    given = [Answer("g0", "ann", "a"), Answer("g0", "bob", "a"), Answer("g1", "ann", "a")]
    pairs = next_gold(["g0", "g1", "g2"], given, ["ann", "bob"], 3)
    assert pairs == [("g2", "bob"), ("g2", "ann"), ("g1", "bob")]
    assert next_gold(["g0"], given, ["ann", "bob"], 2) == []


def test_without_workers_each_question_is_asked_once():
    assert next_gold(["g0", "g1"], [], [], 5) == [("g0", ""), ("g1", "")]
