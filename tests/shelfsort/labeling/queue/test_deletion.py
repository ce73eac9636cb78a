"""Answers about products, and old ones, leave the file; the others stay as they are."""

import pytest

from shelfsort.labeling.queue.deletion import delete_older, delete_tasks
from shelfsort.labeling.queue.log import AnswerLog, read_log
from shelfsort.labeling.queue.records import Record


@pytest.fixture
def answers(tmp_path):
    """Two people about a, one about b, who took it back later and answered again, one about c."""
    path = tmp_path / "answers.jsonl"
    log = AnswerLog(path, lambda _: None)
    for record in (
        Record("w-1", "a", "hats", at=1.0),
        Record("w-2", "a", "mugs", at=2.0),
        Record("w-1", "b", "hats", at=3.0),
        Record("w-1", "b", undo=True, at=50.0),
        Record("w-1", "b", "mugs", at=51.0),
        Record("w-1", "c", "mugs", at=60.0),
    ):
        log.append(record)
    log.close()
    return path


def tasks(path):
    return [each.task for each in read_log(str(path))]


def test_all_that_was_said_about_a_product_goes(answers):
    assert delete_tasks(answers, ["a", "x"]) == 2
    assert tasks(answers) == ["b", "b", "b", "c"]
    assert delete_tasks(answers, ["a"]) == 0


def test_a_product_stays_whole_while_its_last_answer_is_young(answers):
    assert delete_older(answers, 10.0, dry_run=True) == 2
    assert tasks(answers)[0] == "a"
    assert delete_older(answers, 10.0) == 2
    assert tasks(answers) == ["b", "b", "b", "c"]
    assert delete_older(answers, 55.0) == 3
    assert tasks(answers) == ["c"]
