"""Whatever people do in whatever order, and however often a process is killed."""

import multiprocessing
import os
import random
import shutil
import signal
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from shelfsort.core.database.engine import open_engine
from shelfsort.core.errors import InputError
from shelfsort.decisions.review.appeals import appeal
from shelfsort.decisions.review.queue.policy import Person, Policy
from shelfsort.decisions.review.queue.service import ReviewQueue
from tests.shelfsort.decisions.review.queue.conftest import ANN, BOB, LEAD, Shop, says

pytestmark = pytest.mark.slow
PEOPLE = (ANN, BOB, LEAD)
LEASE = timedelta(minutes=10)
STANDING = (
    "from review r where undoes is null and not exists "
    "(select 1 from review u where u.undoes = r.id)"
)
person = st.sampled_from(PEOPLE)
category = st.sampled_from(["package", "package", "product", "half", ""])


class Office(RuleBasedStateMachine):
    """People at work, and what must hold at any time."""

    empty: Path

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        shutil.copy(self.empty, self.folder / "d.db")
        self.shop = Shop(str(self.folder / "d.db"), self.folder)
        self.shop.decided("p0", "p1")
        self.queue = self.shop.queue({"p0": "product"}, gold_share=0.2, lease=LEASE)
        self.leases, self.decided = {}, 0
        self.held = {each.name: [] for each in PEOPLE}
        self.kept = {}

    def teardown(self):
        self.shop.engine.dispose()
        shutil.rmtree(self.folder)

    @rule(who=person, want=st.integers(1, 3))
    def take(self, who, want):
        self.held[who.name] = held = self.queue.take(who, want)
        for each in held:
            holder, ends = self.leases.get(each.id, (who.name, self.shop.now))
            assert holder == who.name or ends <= self.shop.now
            mine = self.shop.rows(
                f"select 1 {STANDING} and reviewer = '{who.name}' and decision = {each.decision}"
            )
            assert mine == []
            self.leases[each.id] = who.name, self.shop.now + LEASE

    @rule(who=person, category=category, place=st.sampled_from([0, 0, 1]))
    def answer(self, who, category, place):
        held = self.held[who.name]
        if place >= len(held):
            return
        task = held[place]
        outcome = "grant" if task.kind == "dispute" and category != "package" else None
        done = says(self.queue, who, task, category, outcome)
        if self.leases.get(task.id, ("",))[0] == who.name:
            assert done.result in ("kept", "answered")
        else:
            assert done.result != "kept"
        if done.result == "kept":
            self.kept[done.review] = (who.name, category)
            self.leases.pop(task.id, None)

    @rule(who=person)
    def undo(self, who):
        last = self.queue.standing(who).last
        if last is not None and (task := self.queue.undo(who, last)) is not None:
            del self.kept[last]
            self.leases[task] = who.name, self.shop.now + LEASE

    @rule(minutes=st.sampled_from([1, 6, 11]))
    def wait(self, minutes):
        self.shop.later(minutes=minutes)

    @rule(product=st.sampled_from(["p0", "p1"]))
    def appeal(self, product):
        try:
            with self.shop.engine.begin() as connection:
                appeal(connection, product, "why?", "Shop", self.shop.now)
        except InputError as refused:
            assert "waits for people" in str(refused) or "5 appeals" in str(refused)

    @rule()
    def decide(self):
        self.decided += 1
        if self.decided < 3:
            self.shop.decided(f"n{self.decided}")

    @invariant()
    def every_answer_that_was_kept_is_there(self):
        rows = self.shop.rows(f"select id, reviewer, category {STANDING}")
        assert {id_: (who, said) for id_, who, said in rows} == self.kept

    @invariant()
    def nobody_answers_twice_about_one_decision(self):
        rows = self.shop.rows(
            f"select reviewer, decision, count(*) {STANDING} group by 1, 2 having count(*) > 1"
        )
        assert rows == []

    @invariant()
    def no_refusal_is_final_that_one_person_alone_decided(self):
        for id_, kind, who, number in self.shop.rows(
            f"select id, kind, reviewer, decision {STANDING} and outcome = 'refuse'"
        ):
            before = self.shop.rows(
                f"select reviewer, proposed, outcome {STANDING} and decision = {number} "
                f"and id < {id_} order by id"
            )
            agreed = any(other != who and said == "refuse" for other, said, _ in before)
            stands = [said for _, _, said in before if said][-1:] == ["refuse"]
            assert kind == "dispute" or agreed or stands


def test_no_order_of_events_breaks_the_queue(tmp_path):
    Office.empty = tmp_path / "empty.db"
    Shop(str(Office.empty), tmp_path).engine.dispose()
    run_state_machine_as_test(
        Office,
        settings=settings(
            max_examples=10,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def work(place, rules, name, acknowledged):
    """Answers until nothing waits; notes what was acknowledged."""
    engine = open_engine(place)
    policy = Policy(timedelta(seconds=1), second_opinion=frozenset(), gold_share=0.0)
    queue, me = ReviewQueue(engine, rules, policy), Person(name)
    log = os.open(acknowledged, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    idle = time.monotonic()
    while time.monotonic() < idle + 2.5:
        for held in queue.take(me, 2)[:1]:
            done = says(queue, me, held, "product")
            if done.result == "kept":
                os.write(log, f"{done.review}\n".encode())
            idle = time.monotonic()
        time.sleep(0.02)
    os._exit(0)


def test_processes_that_are_killed_lose_no_answer_and_give_none_twice(each_shop, tmp_path):
    each_shop.decided(*(f"p{n}" for n in range(50)))
    each_shop.engine.dispose()
    fork = multiprocessing.get_context("fork")
    chance, log = random.Random(5), tmp_path / "acknowledged"

    def started(number):
        arguments = (each_shop.place, each_shop.rules, f"person {number}", str(log))
        process = fork.Process(target=work, args=arguments)
        process.start()
        return process

    workers = [started(n) for n in range(3)]
    for number in range(3, 8):
        time.sleep(chance.uniform(0.1, 0.4))
        victim = chance.randrange(3)
        os.kill(workers[victim].pid, signal.SIGKILL)
        workers[victim].join()
        workers[victim] = started(number)
    for each in workers:
        each.join(60)
        assert each.exitcode == 0
    given = {id_ for (id_,) in each_shop.rows("select id from review")}
    assert {int(line) for line in log.read_text().split()} <= given
    rows = each_shop.rows(
        "select count(*), count(distinct decision), count(distinct task) from review"
    )
    assert rows == [(50, 50, 50)]
