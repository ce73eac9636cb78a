"""Who is told of alarms, and how often."""

import pytest

from shelfsort.core.errors import RunFailed
from shelfsort.decisions.monitoring.alarms import DRIFT, PROMISE, Alarm, in_words, tell_once

MUGS = Alarm(PROMISE, "mugs")


def test_each_change_of_the_alarms_is_told_once_and_their_end_too(engine):
    told = []
    for alarms in ([], [MUGS], [MUGS], [Alarm(DRIFT), MUGS], [MUGS, Alarm(DRIFT)], [], []):
        tell_once(engine, "monitor", alarms, told.append)
    assert told == [[MUGS], [Alarm(DRIFT), MUGS], []]


def test_what_nobody_took_is_told_again_and_each_command_has_its_own(engine):
    def fails(_):
        raise RunFailed("away")

    with pytest.raises(RunFailed):
        tell_once(engine, "monitor", [MUGS], fails)
    told = []
    assert tell_once(engine, "monitor", [MUGS], told.append)
    assert tell_once(engine, "promise check", [MUGS], told.append)
    assert not tell_once(engine, "monitor", [MUGS], told.append)
    assert told == [[MUGS], [MUGS]]


def test_an_alarm_names_its_category():
    assert "mugs" in in_words(MUGS) and "mugs" in in_words(Alarm(DRIFT, "mugs"))
    assert len({in_words(Alarm(kind)) for kind in (PROMISE, DRIFT)}) == 2
