"""Who gets which task, and for how long."""

import threading
from collections import Counter

import pytest

from shelfsort.decisions.promise.sampling import draw_of
from shelfsort.decisions.review.queue.policy import Person
from tests.shelfsort.decisions.review.queue.conftest import ANN, BOB, CLEO, says


def products(held):
    return [each.product for each in held]


def test_the_doubtful_come_first_and_nothing_waits_for_ever(shop):
    shop.decided("sure", score=0.9)
    shop.decided("doubtful", score=0.2)
    queue = shop.queue()
    assert products(queue.take(ANN, 1)) == ["doubtful"]
    shop.later(hours=1)
    shop.decided("urgent", score=0.0)
    assert products(queue.take(BOB, 1)) == ["urgent"]
    shop.later(hours=23)
    shop.decided("new", score=0.0)
    assert products(queue.take(CLEO, 4)) == ["urgent", "doubtful", "sure", "new"]


def test_what_is_at_stake_counts(shop):
    shop.decided("cheap", score=0.2, price=5)
    shop.decided("dear", score=0.6, price=500)
    assert products(shop.queue(full_price=100.0).take(ANN, 2)) == ["dear", "cheap"]


def test_nobody_gets_what_somebody_else_has_until_the_lease_ends(shop):
    shop.decided("a", "b", "c")
    queue = shop.queue()
    assert products(queue.take(ANN, 2)) == ["a", "b"]
    assert products(queue.take(BOB, 2)) == ["c"]
    shop.later(minutes=9)
    assert products(queue.take(ANN, 2)) == ["a", "b"]
    shop.later(minutes=9)
    assert products(queue.take(BOB, 2)) == ["c"]
    shop.later(minutes=2)
    assert products(queue.take(BOB, 3)) == ["a", "b", "c"]


def test_an_answer_counts_until_somebody_else_has_the_task(each_shop):
    each_shop.decided("a", "b")
    queue = each_shop.queue()
    a, b = queue.take(ANN, 2)
    each_shop.later(minutes=11)
    assert says(queue, ANN, a, "product").result == "kept"
    assert products(queue.take(BOB, 1)) == ["b"]
    assert says(queue, ANN, b, "product").result == "taken"
    assert says(queue, BOB, b, "product").result == "kept"
    assert says(queue, BOB, b, "package").result == "answered"
    assert each_shop.rows("select reviewer, category, outcome from review order by id") == [
        ("Ann", "product", "grant"),
        ("Bob", "product", "grant"),
    ]


@pytest.mark.slow
def test_many_at_once_answer_each_task_once(each_shop):
    each_shop.decided(*(f"p{n}" for n in range(30)))
    queue, given = each_shop.queue(second_opinion=frozenset()), Counter()

    def work(person):
        while held := queue.take(person, 2):
            given.update(each.id for each in held[:1])
            assert says(queue, person, held[0], "product").result == "kept"

    people = [Person(f"person {n}") for n in range(4)]
    threads = [threading.Thread(target=work, args=(each,)) for each in people]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(given.values()) == [1] * 30
    assert each_shop.rows("select count(*), count(distinct decision) from review") == [(30, 30)]
    assert each_shop.rows("select count(*) from task where closed is null") == [(0,)]


def test_new_decisions_arrive_and_old_ones_leave(each_shop):
    each_shop.decided("a")
    queue = each_shop.queue()
    each_shop.later(minutes=1)
    each_shop.decided("a", model="2")
    each_shop.decided("done", outcome="grant")
    assert products(queue.take(ANN, 5)) == ["a"]
    assert each_shop.rows("select count(*) from task where closed is null") == [(1,)]


def test_gold_accompanies_tasks_and_comes_once_to_a_person(each_shop):
    each_shop.decided(*(f"p{n}" for n in range(9)))
    each_shop.decided("g1", "g2", outcome="grant")
    queue = each_shop.queue(
        {"g1": "product", "g2": "package", "elsewhere": "full"}, gold_share=0.99
    )
    seen = []
    for _ in range(9):
        held = queue.take(ANN, 1)
        seen += products(held)
        for each in held:
            assert each.blind == (each.kind == "gold")
            assert says(queue, ANN, each, "product").result == "kept"
    assert sorted(seen) == ["g1", "g2", *(f"p{n}" for n in range(9))]
    assert products(queue.take(BOB, 9)) == []
    gold = each_shop.rows("select distinct outcome, proposed from review where kind = 'gold'")
    assert gold == [("", "")]


def test_the_random_sample_is_shown_without_the_models_answer(shop):
    with shop.engine.begin() as connection:
        connection.exec_driver_sql("update run set audit_rate = 0.5")
    names = [f"p{n}" for n in range(20)]
    shop.decided(*names, score=0.9)
    shop.decided("automatic", outcome="grant", rate=1.0, score=0.1)
    held = shop.queue().take(ANN, 30)
    blind = {each.product for each in held if each.blind and each.kind == "review"}
    assert blind == {name for name in names if draw_of(name) < 0.5}
    assert [each.blind for each in held if each.kind == "audit"] == [True]
    # Their order does not depend on the score.
    assert products(held[: len(blind) + 1]) == [*(n for n in names if n in blind), "automatic"]
    rates = shop.rows("select distinct sample from task where blind = 1 and kind = 'review'")
    assert rates == [(0.5,)]
