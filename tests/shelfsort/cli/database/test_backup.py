"""`shelfsort database backup` and `restore` tell databases and files of answers apart."""

import json

import pytest
from click.testing import CliRunner

from shelfsort.catalog.database.opening import open_database as open_crawl
from shelfsort.cli.database.command import database
from shelfsort.core.errors import InputError
from shelfsort.decisions.database.opening import open_database as open_decisions
from shelfsort.labeling.queue.log import AnswerLog, read_log
from shelfsort.labeling.queue.records import Record


def call(*arguments):
    done = CliRunner().invoke(database, [str(each) for each in arguments])
    if done.exception is not None:
        raise done.exception
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("opened", "room"), [(open_crawl, "catalog"), (open_decisions, "decisions")]
)
def test_a_database_comes_back_in_its_room(tmp_path, opened, room):
    place, file, other = tmp_path / "x.db", tmp_path / "x.backup", tmp_path / "y.db"
    opened(str(place)).dispose()
    assert list(call("backup", place, "--to", file, "--json")["revisions"]) == [room]
    restored = call("restore", file, "--to", other, "--json")
    assert restored["rows"]["about"] > 0
    opened(str(other)).dispose()


def test_answers_come_back(tmp_path):
    place, file, other = tmp_path / "a.jsonl", tmp_path / "a.backup", tmp_path / "b.jsonl"
    log = AnswerLog(place, lambda _: None)
    log.append(Record("w-1", "p", "hats", at=1.0))
    log.close()
    assert call("backup", place, "--to", file, "--json")["kind"] == "answers"
    call("restore", file, "--to", other, "--json")
    assert [each.task for each in read_log(str(other))] == ["p"]
    with pytest.raises(InputError, match="path"):
        call("restore", file, "--to", "postgresql://ann:s3cret@db/x", "--json")


def test_what_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        call("backup", tmp_path / "x.db", "--to", tmp_path / "x.backup", "--json")
