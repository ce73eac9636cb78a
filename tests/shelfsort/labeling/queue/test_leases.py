import pytest

from shelfsort.labeling.queue.leases import Standing, WorkQueue
from shelfsort.labeling.queue.wanted import Wanted


def queue(size=3, each=2, **others):
    return WorkQueue(size, each, lease_seconds=60, **others)


def answer_all(tasks, person, now=0.0):
    given = []
    while taken := tasks.take(person, 1, now):
        tasks.answer(person, taken[0])
        given.append(taken[0])
    return given


def test_two_people_answer_each_task_once_and_a_third_finds_nothing():
    tasks = queue()
    assert answer_all(tasks, "a") == [0, 1, 2]
    assert answer_all(tasks, "b") == [0, 1, 2]
    assert answer_all(tasks, "c") == []
    assert (tasks.complete, tasks.missing, tasks.needed) == (3, 0, 6)


def test_a_person_gets_the_same_tasks_until_they_are_answered():
    tasks = queue(size=5)
    assert tasks.take("a", 3, 0) == tasks.take("a", 3, 1) == [0, 1, 2]
    tasks.answer("a", 1)
    assert tasks.take("a", 3, 2) == [0, 2, 3]


def test_leases_leave_room_for_no_more_people_than_answers():
    tasks = queue(size=1)
    assert [tasks.take(person, 1, 0) for person in "abc"] == [[0], [0], []]
    assert tasks.standing("c", 0, 0) is Standing.TAKEN
    assert tasks.standing("a", 0, 0) is Standing.OPEN


def test_an_expired_lease_goes_to_somebody_who_had_passed_the_task_over():
    tasks = queue(size=2, each=1)
    assert tasks.take("a", 1, 0) == [0]
    assert tasks.take("b", 2, 0) == [1]
    assert tasks.take("b", 2, 59) == [1]
    assert tasks.take("b", 2, 60) == [1, 0]
    assert tasks.standing("a", 0, 60) is Standing.TAKEN
    assert not tasks.leased(0) - {"b"}


def test_a_renewed_lease_ends_after_its_last_renewal():
    tasks = queue(size=1, each=1)
    tasks.take("a", 1, 0)
    tasks.take("a", 1, 50)
    assert tasks.take("b", 1, 109) == []
    assert tasks.take("b", 1, 110) == [0]


def test_renewals_and_expiries_leave_nothing_behind():
    tasks = queue(size=4, each=1)
    assert tasks.take("passes", 4, 0) == [0, 1, 2, 3]
    for now in range(60, 6_000):
        tasks.take("ab"[now // 100 % 2], 3, now)
    assert len(tasks._expiries) <= 4 * 3
    assert all(len(freed) <= 4 for freed in tasks._freed.values())


def test_an_answer_after_the_lease_counts_while_there_is_room():
    tasks = queue(size=1, each=1)
    tasks.take("a", 1, 0)
    assert tasks.standing("a", 0, 1000) is Standing.OPEN
    tasks.answer("a", 0)
    assert tasks.standing("a", 0, 1000) is Standing.ANSWERED
    assert tasks.complete == 1


def test_an_answer_that_is_taken_back_is_open_again_to_all():
    tasks = queue(size=2, each=1)
    assert answer_all(tasks, "a") == [0, 1]
    assert tasks.take("b", 1, 0) == []
    tasks.take_back("a", tasks.last("a"))
    assert (tasks.complete, tasks.missing, tasks.last("a")) == (1, 1, 0)
    assert tasks.take("b", 1, 0) == [1]


def test_a_task_that_is_taken_back_comes_first_and_stays_with_its_person():
    tasks = queue(size=4, each=1)
    assert tasks.take("a", 2, 0) == [0, 1]
    tasks.answer("a", 0)
    tasks.take_back("a", 0)
    tasks.hold_first("a", 0, 0)
    assert tasks.take("a", 2, 0) == [0, 1]
    assert tasks.take("b", 9, 0) == [2, 3]


def test_everybody_is_asked_each_gold_task_once_in_an_order_of_their_own():
    gold = range(0, 40, 2)
    tasks = queue(size=40, each=2, gold=gold, gold_share=0.5, seed="s")
    given = {person: answer_all(tasks, person) for person in "ab"}
    shown = {person: [task for task in tasks_ if task in gold] for person, tasks_ in given.items()}
    for asked in shown.values():
        assert sorted(asked) == list(gold)
    assert shown["a"][:5] != shown["b"][:5]
    assert [task for task in given["b"] if task % 2] == [*range(1, 40, 2)]
    assert (tasks.complete, tasks.needed) == (20, 40)


def test_gold_that_is_left_comes_when_nothing_else_is():
    tasks = queue(size=6, each=1, gold=[0, 2, 4], gold_share=1e-9, seed="s")
    assert tasks.take("a", 2, 0) == [1, 3]
    tasks.answer("a", 1)
    tasks.answer("a", 3)
    given = answer_all(tasks, "a")
    assert (given[0], sorted(given[1:])) == (5, [0, 2, 4])
    assert sorted(answer_all(tasks, "b")) == [0, 2, 4]


def test_a_share_of_nothing_asks_about_no_gold():
    assert answer_all(queue(size=4, each=1, gold=[1, 3], gold_share=0), "a") == [0, 2]


def test_a_task_gets_as_many_answers_as_it_wants_of_those_whom_it_asks():
    wanted = {0: Wanted(1), 1: Wanted(2, frozenset("bc")), 2: Wanted(1, answered_by=frozenset("a"))}
    tasks = queue(size=4, each=2, wanted=wanted)
    assert (tasks.needed, tasks.missing) == (6, 6)
    # Given before the task was asked of others.
    tasks.answer("a", 2)
    assert (tasks.missing, tasks.standing("a", 1, 0)) == (6, Standing.TAKEN)
    assert answer_all(tasks, "a") == [0, 3]
    assert answer_all(tasks, "b") == [1, 2, 3]
    assert tasks.may_get("c") is False
    assert answer_all(tasks, "c") == [1]
    assert (tasks.complete, tasks.missing) == (4, 0)
    tasks.take_back("a", 2)
    assert (tasks.complete, tasks.missing) == (4, 0)


def test_tasks_that_these_people_cannot_finish_are_counted():
    wanted = {0: Wanted(1), 1: Wanted(1, frozenset("c"))}
    tasks = queue(size=3, each=2, wanted=wanted)
    assert [tasks.unreachable(people) for people in ("a", "ab", "bc", "abc")] == [2, 1, 0, 0]
    tasks.answer("a", 2)
    assert [tasks.unreachable(people) for people in ("a", "b", "c")] == [2, 1, 0]


def test_gold_is_asked_of_those_whom_it_asks():
    wanted = {0: Wanted(1, frozenset("b"))}
    tasks = queue(size=2, each=1, gold=[0], gold_share=0.5, seed="s", wanted=wanted)
    assert answer_all(tasks, "a") == [1]
    assert answer_all(tasks, "b") == [0]


def test_gold_that_is_taken_back_is_asked_once_more():
    tasks = queue(size=2, each=1, gold=[1], gold_share=0.99, seed="s")
    assert tasks.take("a", 2, 0) == [1, 0]
    tasks.answer("a", 1)
    tasks.take_back("a", 1)
    tasks.hold_first("a", 1, 0)
    assert tasks.take("a", 2, 0) == [1, 0]
    tasks.answer("a", 1)
    with pytest.raises(ValueError, match="answered"):
        tasks.answer("a", 1)


def test_each_task_is_looked_at_once_however_many_are_answered():
    class Counting(WorkQueue):
        looks = 0

        def _has_room(self, task):
            self.looks += 1
            return super()._has_room(task)

    tasks = Counting(20_000, 3, 60)
    for task in range(15_000):
        tasks.answer("a", task)
    for now in range(5_000):
        for person in "abc":
            tasks.answer(person, tasks.take(person, 3, now)[0])
    assert tasks.looks < 3 * 20_000
