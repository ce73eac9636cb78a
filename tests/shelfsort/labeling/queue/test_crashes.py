"""Whatever people do, and whenever the process dies: no answer is lost, none is given twice."""

import itertools
import shutil
import tempfile
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shelfsort.labeling.queue import log
from shelfsort.labeling.queue.leases import Standing
from shelfsort.labeling.queue.service import QueueSettings, TaskService

SIZE, EACH, LEASE = 7, 2, 100.0
IDS = [f"p{n}" for n in range(SIZE)]
GOLD = {"p3": "Hats"}
PEOPLE = ["w-a", "w-b", "w-c"]
person = st.sampled_from(PEOPLE)


class People(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        # Processes die here, disks do not.
        self.fsync = mock.patch("os.fsync")
        self.fsync.start()
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "answers.jsonl"
        self.now = 0.0
        self.given: dict[str, list[str]] = {each: [] for each in PEOPLE}
        self.service = self.started()

    def started(self):
        how = QueueSettings(EACH, LEASE, GOLD, 0.3)
        return TaskService(IDS, how, self.path, clock=lambda: self.now)

    def teardown(self):
        self.service.close()
        self.fsync.stop()
        shutil.rmtree(self.folder)

    @rule(who=person, want=st.integers(1, 4))
    def take(self, who, want):
        tasks = self.service.take(who, want)
        assert len(tasks) == len(set(tasks))
        assert not {IDS[task] for task in tasks} & set(self.given[who])

    @rule(who=person, task=st.sampled_from(IDS))
    def answer(self, who, task):
        queue, place = self.service._queue, IDS.index(task)
        standing = queue.standing(who, place, self.now)
        had_lease = who in queue.leased(place)
        outcome = self.service.answer(who, task, "Hats", "", 1.0)
        assert (outcome == "answered") == (task in self.given[who])
        assert (outcome == "kept") == (standing is Standing.OPEN)
        assert outcome == "kept" or not had_lease
        if outcome == "kept":
            self.given[who].append(task)

    @rule(who=person)
    def answer_what_is_held(self, who):
        tasks = self.service.take(who, 1)
        if tasks:
            assert self.service.answer(who, IDS[tasks[0]], "Bags", "", 1.0) == "kept"
            self.given[who].append(IDS[tasks[0]])

    @rule(who=person, sent=st.integers(1, 2))
    def undo(self, who, sent):
        last = self.service.last(who)
        assert last == (self.given[who][-1] if self.given[who] else None)
        if last is not None:
            self.given[who].pop()
            for _ in range(sent):
                assert self.service.undo(who, last)
            assert IDS[self.service.take(who, 1)[0]] == last

    @rule(seconds=st.sampled_from([1, 60, 101]))
    def time_passes(self, seconds):
        self.now += seconds

    @rule(torn=st.binary(max_size=20).filter(lambda each: b"\n" not in each))
    def crash(self, torn):
        self.service.close()
        with self.path.open("ab") as stream:
            stream.write(torn)
        self.service = self.started()

    @rule(who=person)
    def delete(self, who):
        self.service.close()
        records = list(log.read_log(str(self.path)))
        log.write_log(
            self.path, self.service._log.key, [each for each in records if each.worker != who]
        )
        self.given[who] = []
        self.service = self.started()

    @precondition(lambda self: self.now > 0)
    @rule()
    def all_leases_end_and_everybody_finishes(self):
        self.now += LEASE + 1
        for who in PEOPLE:
            while tasks := self.service.take(who, 2):
                assert self.service.answer(who, IDS[tasks[0]], "Hats", "", 1.0) == "kept"
                self.given[who].append(IDS[tasks[0]])
        assert self.service.progress("w-a").complete == SIZE - len(GOLD)

    @invariant()
    def the_queue_knows_every_answer(self):
        queue = self.service._queue
        counts = {id_: sum(id_ in given for given in self.given.values()) for id_ in IDS}
        for task, id_ in enumerate(IDS):
            if id_ in GOLD:
                continue
            assert queue.count(task) == counts[id_]
            assert queue.count(task) + len(queue.leased(task)) <= EACH
        for who, given in self.given.items():
            assert [IDS[task] for task in queue.done(who)] == given
        missing = sum(EACH - count for id_, count in counts.items() if id_ not in GOLD)
        assert self.service.progress("w-a").given == (SIZE - len(GOLD)) * EACH - missing
        chain = itertools.chain.from_iterable(self.given.values())
        assert sum(1 for id_ in chain if id_ not in GOLD) <= (SIZE - len(GOLD)) * EACH


People.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestPeople = pytest.mark.slow(People.TestCase)
