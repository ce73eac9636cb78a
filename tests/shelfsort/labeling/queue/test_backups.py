"""A backup of answers holds whole answers, and comes back whole and private."""

import stat

import pytest

from shelfsort.core.errors import InputError
from shelfsort.labeling.queue.backups import back_up_answers, restore_answers
from shelfsort.labeling.queue.log import AnswerLog, read_log
from shelfsort.labeling.queue.records import Record


@pytest.fixture
def answers(tmp_path):
    """The path of a file with two answers and the beginning of a third."""
    path = tmp_path / "answers.jsonl"
    log = AnswerLog(path, lambda _: None)
    for task in ("a", "b"):
        log.append(Record("w-1", task, "hats", at=1.0))
    log.close()
    with path.open("ab") as stream:
        stream.write(b'{"at": 2.0, "wor')
    return path


def tasks(path):
    return [each.task for each in read_log(str(path))]


def test_whole_answers_come_back_for_their_owner_alone(answers, tmp_path):
    file, other = tmp_path / "a.backup", tmp_path / "other.jsonl"
    assert back_up_answers(answers, file).rows == {"answers": 2}
    restore_answers(file, other, replace=False)
    assert tasks(other) == ["a", "b"]
    assert stat.S_IMODE(other.stat().st_mode) == 0o600
    log = AnswerLog(other, lambda _: None)
    log.append(Record("w-1", "c", "mugs", at=3.0))
    log.close()
    assert tasks(other) == ["a", "b", "c"]


def test_answers_are_replaced_only_if_asked_and_not_while_people_label(answers, tmp_path):
    file = tmp_path / "a.backup"
    back_up_answers(answers, file)
    log = AnswerLog(answers, lambda _: None)
    log.append(Record("w-1", "c", "mugs", at=3.0))
    with pytest.raises(InputError, match="--replace"):
        restore_answers(file, answers, replace=False)
    with pytest.raises(InputError, match="in use"):
        restore_answers(file, answers, replace=True)
    log.close()
    assert tasks(answers) == ["a", "b", "c"]
    restore_answers(file, answers, replace=True)
    assert tasks(answers) == ["a", "b"]
    assert {each.name for each in tmp_path.iterdir()} == {"a.backup", "answers.jsonl"}
