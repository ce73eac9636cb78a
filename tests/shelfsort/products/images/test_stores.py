import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from shelfsort.products.images.stores import Stores
from shelfsort.products.manifest.rejects import RejectedLine


class Store:
    """Answers with what it is given, in turn; an exception is raised, None never comes."""

    def __init__(self, *answers):
        self.asked = []
        self._answers = list(answers)
        self.released = threading.Event()

    def __call__(self, place):
        self.asked.append(place)
        answer = self._answers.pop(0)
        if answer is None:
            self.released.wait(30)
        if isinstance(answer, Exception):
            raise answer
        return answer


def reason_for(stores, place, work):
    with pytest.raises(RejectedLine) as caught:
        stores.ask(place, work)
    return caught.value.reason


def test_a_store_that_never_answers_costs_one_bounded_try():
    store, stores = Store(None), Stores(first_answer_s=0.2)
    started = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        places = [f"gs://far/{number}" for number in range(50)]
        reasons = set(pool.map(lambda place: reason_for(stores, place, store), places))
    assert time.monotonic() - started < 5
    store.released.set()
    assert (reasons, len(store.asked)) == ({"unreachable_store"}, 1)


def test_a_store_that_fails_at_first_is_not_asked_again_and_others_are():
    store, stores = Store(OSError("no credentials"), b"here"), Stores()
    for _ in range(3):
        assert reason_for(stores, "s3://far/a", store) == "unreachable_store"
    assert stores.ask("s3://near/a", store) == b"here"
    assert store.asked == ["s3://far/a", "s3://near/a"]


@pytest.mark.parametrize("answer", [FileNotFoundError("x"), PermissionError("x")])
def test_a_missing_or_forbidden_image_is_an_answer(answer):
    store, stores = Store(answer, OSError("a moment's outage"), b"here"), Stores()
    with pytest.raises(type(answer)):
        stores.ask("s3://near/a", store)
    with pytest.raises(OSError, match="outage"):
        stores.ask("s3://near/b", store)
    assert stores.ask("s3://near/c", store) == b"here"


def test_a_store_that_stalls_later_costs_that_image_only():
    store, stores = Store(b"1", None, b"3"), Stores(answer_s=0.2)
    assert stores.ask("s3://near/1", store) == b"1"
    with pytest.raises(TimeoutError):
        stores.ask("s3://near/2", store)
    assert stores.ask("s3://near/3", store) == b"3"
    store.released.set()
