"""The benchmark of fetching: its server's links, and one small run of each client."""

from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _beside_the_benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))


def test_two_fifths_of_the_links_are_dead_slow_endless_or_lying():
    from picture_shops import SHOPS, kinds

    found = kinds(10_000)
    numbers = Counter(kind for _, kind in found)
    assert (len(found), numbers["good"], numbers["endless"]) == (10_000, 6_000, 300)
    dead = {host for host, kind in found if kind in SHOPS}
    assert dead.isdisjoint(host for host, kind in found if kind == "good")


@pytest.mark.slow
def test_both_clients_get_every_good_picture():
    from catalog import GOOD, HEADING, bare, ours

    for result in (bare("bare", 40), ours("ours", 40, GOOD)):
        assert (result.useful, result.answered) == (40, 40)
        assert result.row().count("|") == HEADING.partition("\n")[0].count("|")
