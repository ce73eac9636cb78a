"""Hands tasks to people: k answers a task, none twice to a person, leases that expire.

Knows no files, clocks or pages: times are arguments, in seconds.
"""

import heapq
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from shelfsort.labeling.queue.wanted import Wanted

_Entry = TypeVar("_Entry", bound=Any)


class Standing(Enum):
    """Whether an answer of a person to a task would count."""

    OPEN = "open"
    ANSWERED = "answered"
    TAKEN = "taken"


class _Heap(Generic[_Entry]):
    """Entries, the smallest first; of those with one name, the first that was put there."""

    def __init__(self, name: Callable[[_Entry], Hashable] = lambda entry: entry):
        self._name = name
        self._entries: list[_Entry] = []
        self._names: set[Hashable] = set()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def first(self) -> _Entry:
        return self._entries[0]

    def push(self, entry: _Entry) -> None:
        name = self._name(entry)
        if name not in self._names:
            self._names.add(name)
            heapq.heappush(self._entries, entry)

    def pop(self) -> _Entry:
        entry = heapq.heappop(self._entries)
        self._names.discard(self._name(entry))
        return entry


class WorkQueue:
    """The tasks 0 to `size` - 1, and who has which of them.

    At any time the answers to a task and the leases on it are together at most as many as the
    answers it needs. So the answer of a person with a lease always counts. Gold tasks are apart:
    everybody may answer each of them once, and they are mixed in at random, in another order for
    each person. Those that are left when a person is through with the others come at the end.
    """

    def __init__(
        self,
        size: int,
        answers_each: int,
        lease_seconds: float,
        gold: Collection[int] = (),
        gold_share: float = 0.0,
        seed: str = "",
        wanted: Mapping[int, Wanted] = MappingProxyType({}),
    ):
        """An unanswered queue.

        Args:
            size: number of tasks.
            answers_each: k, at least 1.
            lease_seconds: after which a task goes to somebody else.
            gold: tasks whose answer is known.
            gold_share: probability that a person's next task is gold, in [0, 1); 0 for no gold.
            seed: of the order of gold tasks; secret, because gold must not be told apart.
            wanted: by task, where it needs others than `answers_each` answers of anybody.
        """
        self.size = size
        self.gold = frozenset(gold)
        self.complete = 0
        """Number of tasks that are not gold and have all their answers."""
        self._special = wanted
        self._wanted = [answers_each] * size
        for task, each in wanted.items():
            self._wanted[task] = each.answers
        self.needed = sum(self._wanted) - sum(self._wanted[task] for task in self.gold)
        """Number of answers that tasks which are not gold need in all."""
        self.missing = self.needed
        """Number of answers that tasks which are not gold still need."""
        self._lease_seconds = lease_seconds
        self._gold_share = gold_share
        self._seed = seed
        self._count = [0] * size
        # Of each person the answered tasks, the last one last.
        self._done: dict[str, dict[int, None]] = defaultdict(dict)
        self._held: dict[str, dict[int, None]] = defaultdict(dict)
        self._leases: dict[int, dict[str, float]] = {}
        # Each person's lease on a task is in it once, at the end it had when it was put there.
        self._expiries: _Heap[tuple[float, int, str]] = _Heap(lambda entry: entry[1:])
        # Tasks before a person's cursor are done with for that person, unless they were freed.
        self._cursor: dict[str, int] = defaultdict(int)
        self._freed: dict[str, _Heap[int]] = defaultdict(_Heap)
        self._gold_left: dict[str, list[int]] = {}
        self._random: dict[str, random.Random] = {}

    def take(self, person: str, want: int, now: float) -> list[int]:
        """The tasks that a person holds, topped up to `want` where there are more for them.

        Their leases begin again.
        """
        self.expire(now)
        held = self._held[person]
        while len(held) < want:
            task = self._next(person)
            if task is None:
                break
            held[task] = None
        for task in held:
            self._lease(person, task, now)
        return list(held)

    def standing(self, person: str, task: int, now: float) -> Standing:
        """Whether the person's answer would count; without a lease, only while there is room."""
        self.expire(now)
        if task in self._done[person]:
            return Standing.ANSWERED
        free = self._asks(person, task) and (task in self.gold or self._has_room(task))
        if free or task in self._held[person]:
            return Standing.OPEN
        return Standing.TAKEN

    def answer(self, person: str, task: int) -> None:
        """Takes up an answer that `standing` calls open, or one that was given before a restart."""
        if task in self._done[person]:
            raise ValueError(f"{task} is answered already")
        self._drop(person, task)
        self._done[person][task] = None
        if task in self.gold:
            left = self._gold_of(person)
            if task in left:
                left.remove(task)
        elif self._asks(person, task):
            self.missing -= self._count[task] < self._wanted[task]
            self._count[task] += 1
            self.complete += self._count[task] == self._wanted[task]

    def last(self, person: str) -> int | None:
        """The task that the person answered last."""
        return next(reversed(self._done[person]), None)

    def take_back(self, person: str, task: int) -> None:
        """Removes an answer; the task is open again, also to this person.

        Raises:
            KeyError: the person has not answered it.
        """
        del self._done[person][task]
        if task not in self.gold and self._asks(person, task):
            self.complete -= self._count[task] == self._wanted[task]
            self._count[task] -= 1
            self.missing += self._count[task] < self._wanted[task]
        self._offer(person, task)

    def hold_first(self, person: str, task: int, now: float) -> None:
        """Gives the person a task that they have just taken back, before all others."""
        left = self._gold_of(person) if task in self.gold else []
        if task in left:
            left.remove(task)
        self._held[person] = {task: None, **self._held[person]}
        self._lease(person, task, now)

    def expire(self, now: float) -> None:
        """Ends the leases that have run out."""
        while self._expiries and self._expiries.first[0] <= now:
            _, task, person = self._expiries.pop()
            ends = self._leases.get(task, {}).get(person)
            if ends is None:
                continue
            if ends > now:
                self._expiries.push((ends, task, person))
                continue
            self._drop(person, task)
            self._offer(person, task)

    def answered(self, person: str) -> int:
        """Number of the person's answers, those to gold included."""
        return len(self._done[person])

    def count(self, task: int) -> int:
        """Number of answers to a task; 0 for gold, where they are not limited."""
        return self._count[task]

    def leased(self, task: int) -> frozenset[str]:
        """Who has a lease on a task."""
        return frozenset(self._leases.get(task, ()))

    def may_get(self, person: str) -> bool:
        """Whether others have a task that may come back to this person."""
        done = self._done[person]
        return any(
            task not in self.gold and task not in done and self._asks(person, task)
            for task in self._leases
        )

    def unreachable(self, people: Collection[str]) -> int:
        """Number of tasks that cannot get all their answers if nobody else answers."""
        left = Counter(task for each in people for task in self._done[each])
        found = 0
        for task in range(self.size):
            if task in self.gold:
                continue
            special = self._special.get(task)
            able = (
                len(people) - left[task]
                if special is None
                else sum(special.asks(each) and task not in self._done[each] for each in people)
            )
            found += self._count[task] + able < self._wanted[task]
        return found

    def done(self, person: str) -> Iterator[int]:
        """The person's answered tasks, the first one first."""
        return iter(self._done[person])

    def _next(self, person: str) -> int | None:
        """The next task for a person, None where there is none. Passes over tasks for good."""
        gold = self._gold_of(person)
        if gold and self._random[person].random() < self._gold_share:
            return gold.pop()
        freed = self._freed[person]
        while freed:
            task = freed.pop()
            if self._is_for(person, task):
                return task
        while self._cursor[person] < self.size:
            task = self._cursor[person]
            self._cursor[person] += 1
            if self._is_for(person, task):
                return task
        return gold.pop() if gold and self._gold_share else None

    def _is_for(self, person: str, task: int) -> bool:
        known = task in self.gold or task in self._done[person] or task in self._held[person]
        return not known and self._asks(person, task) and self._has_room(task)

    def _asks(self, person: str, task: int) -> bool:
        special = self._special.get(task)
        return special is None or special.asks(person)

    def _has_room(self, task: int) -> bool:
        return self._count[task] + len(self._leases.get(task, ())) < self._wanted[task]

    def _lease(self, person: str, task: int, now: float) -> None:
        ends = now + self._lease_seconds
        self._leases.setdefault(task, {})[person] = ends
        self._expiries.push((ends, task, person))

    def _drop(self, person: str, task: int) -> None:
        self._held[person].pop(task, None)
        holders = self._leases.get(task, {})
        holders.pop(person, None)
        if not holders:
            self._leases.pop(task, None)

    def _offer(self, person: str, task: int) -> None:
        """Lets all who have passed over a task come back to it; a gold one, its person only."""
        if task in self.gold:
            self._gold_of(person).append(task)
            return
        for each, cursor in self._cursor.items():
            if cursor > task:
                self._freed[each].push(task)

    def _gold_of(self, person: str) -> list[int]:
        """The gold tasks that a person has neither answered nor got, in the person's order."""
        left = self._gold_left.get(person)
        if left is None:
            own = self._random[person] = random.Random(f"{self._seed}/{person}")
            asked = [task for task in sorted(self.gold) if self._asks(person, task)]
            left = self._gold_left[person] = own.sample(asked, len(asked))
        return left
