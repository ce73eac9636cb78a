import errno
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from shelfsort.core.errors import InputError
from shelfsort.labeling.queue import log as module
from shelfsort.labeling.queue.deletion import delete_worker
from shelfsort.labeling.queue.log import AnswerLog, is_answer_log, read_log
from shelfsort.labeling.queue.records import Record, pseudonym
from shelfsort.labeling.queue.service import QueueSettings, TaskService


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "answers.jsonl"


def opened(path):
    records = []
    return AnswerLog(path, records.append), records


def record(task, worker="w-1", **others):
    return Record(worker, task, "Café > “Hats”\u2028", seconds=2.5, at=7.0, **others)


def test_records_come_back_as_they_were(path):
    log, _ = opened(path)
    kept = [
        record("p\x00\n\u202e🧢"),
        Record("w-2", "q", problem="image", at=8),
        Record("w-2", "q", at=9, undo=True),
    ]
    for each in kept:
        log.append(each)
    assert list(read_log(str(path))) == kept
    log.close()
    again, records = opened(path)
    assert (records, again.key) == (kept, log.key)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert is_answer_log(str(path))


def test_a_killed_process_has_kept_all_that_it_acknowledged(path):
    script = f"""
import os, signal
from pathlib import Path
from shelfsort.labeling.queue.log import AnswerLog
from shelfsort.labeling.queue.records import Record
log = AnswerLog(Path({str(path)!r}), print)
for number in range(1000):
    log.append(Record("w", str(number), "x" * 1000))
    print(number, flush=True)
    if number == 20:
        os.kill(os.getpid(), signal.SIGKILL)
"""
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout
    log, records = opened(path)
    assert [each.task for each in records] == said.split() == [str(n) for n in range(21)]
    log.close()


@pytest.mark.parametrize("torn", ["{", '{"at": 7.0, "worker": "w-1", "task": "q"}', "\0\0\0"])
def test_a_torn_last_line_is_removed(path, torn):
    log, _ = opened(path)
    log.append(record("p"))
    log.close()
    with path.open("a") as stream:
        stream.write(torn)
    assert [each.task for each in read_log(str(path))] == ["p"]
    log, _ = opened(path)
    log.append(record("r"))
    assert [each.task for each in read_log(str(path))] == ["p", "r"]
    log.close()


def test_a_full_disk_leaves_no_part_of_a_record(path, monkeypatch):
    log, _ = opened(path)
    log.append(record("p"))
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(module.os, "write", lambda file, data: write(file, data[:9]))
        with pytest.raises(OSError, match="space") as caught:
            log.append(record("q"))
    assert caught.value.errno == errno.ENOSPC
    log.append(record("r"))
    assert [each.task for each in read_log(str(path))] == ["p", "r"]
    log.close()


def test_a_full_disk_leaves_no_part_of_a_heading(path, monkeypatch):
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(module.os, "write", lambda file, data: write(file, data[:30]))
        with pytest.raises(OSError, match="space"):
            opened(path)
    assert path.read_bytes() == b""
    opened(path)[0].close()


def test_a_heading_without_the_end_of_its_line_is_completed(path):
    first, _ = opened(path)
    first.close()
    path.write_bytes(path.read_bytes().rstrip())
    log, _ = opened(path)
    log.append(record("p"))
    assert (log.key, [each.task for each in read_log(str(path))]) == (first.key, ["p"])
    log.close()


def test_a_part_of_a_heading_is_replaced_by_a_whole_one(path):
    opened(path)[0].close()
    os.truncate(path, 40)
    log, _ = opened(path)
    log.append(record("p"))
    assert len(log.key) == 32
    assert [each.task for each in read_log(str(path))] == ["p"]
    log.close()


def test_a_file_that_others_could_read_becomes_private(path):
    opened(path)[0].close()
    path.chmod(0o644)
    opened(path)[0].close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def _move(path):
    path.rename(path.with_name("moved"))


def _replace(path):
    _move(path)
    path.write_bytes(path.with_name("moved").read_bytes())


def _empty(path):
    os.truncate(path, 0)


@pytest.mark.parametrize("harm", [_move, os.unlink, _replace, _empty])
def test_an_answer_that_nobody_would_find_is_not_acknowledged(path, harm):
    log, _ = opened(path)
    log.append(record("p"))
    harm(path)
    left = path.read_bytes() if path.exists() else None
    for _ in range(2):
        with pytest.raises(OSError, match="moved, replaced or shortened"):
            log.append(record("q"))
    assert (path.read_bytes() if path.exists() else None) == left
    log.close()


def test_answers_go_on_when_the_file_is_put_back(path, monkeypatch):
    path.parent.mkdir()
    monkeypatch.chdir(path.parent)
    log, _ = opened(Path(path.name))
    monkeypatch.chdir("/")
    moved = path.rename(path.with_name("moved"))
    with pytest.raises(OSError):
        log.append(record("p"))
    moved.rename(path)
    log.append(record("q"))
    assert [each.task for each in read_log(str(path))] == ["q"]
    log.close()


def test_one_process_has_the_file(path):
    log, _ = opened(path)
    with pytest.raises(InputError, match="in use"):
        opened(path)
    with pytest.raises(InputError, match="in use"):
        delete_worker(path, "Ann")
    log.close()
    opened(path)[0].close()


@pytest.mark.parametrize("content", ["x", "[1]\n", "{}\n", '{"id": "p1"}\n', "GIF89a"])
def test_another_file_is_refused_and_left_alone(tmp_path, content):
    path = tmp_path / "other"
    path.write_text(content)
    path.chmod(0o644)
    with pytest.raises(InputError, match="no file of answers"):
        opened(path)
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == (content, 0o644)


@pytest.mark.parametrize(
    "line",
    [
        "{}",
        '{"worker": "w", "task": "p", "at": 1}',
        '{"worker": "w", "task": "", "label": "x", "at": 1}',
        '{"worker": "w", "task": "p", "label": 5, "at": 1}',
        '{"worker": "w", "task": "p", "label": "x", "at": NaN}',
        '{"worker": "w", "task": "p", "label": "x", "at": 1, "seconds": "1"}',
        "[" * 5000,
    ],
)
def test_a_broken_line_is_named(path, line):
    log, _ = opened(path)
    log.close()
    with path.open("a") as stream:
        stream.write(line + "\n")
    with pytest.raises(InputError, match=r"answers\.jsonl:2: no answer"):
        opened(path)


@pytest.mark.parametrize("line", [{"label": "x"}, {"undo": True}])
def test_a_line_that_contradicts_an_earlier_one_is_named(path, line):
    service = TaskService(["p"], QueueSettings(), path)
    service.answer("w-1", "p", "x", "", 1)
    service.undo("w-1", "p")
    service.answer("w-2", "p", "x", "", 1)
    service.close()
    worker = "w-2" if "label" in line else "w-1"
    with path.open("a") as stream:
        stream.write(json.dumps({"at": 1, "worker": worker, "task": "p", **line}) + "\n")
    with pytest.raises(InputError, match=":5: contradicts"):
        TaskService(["p"], QueueSettings(), path)


def test_one_persons_records_can_be_deleted(path):
    log, _ = opened(path)
    ann, bob = (pseudonym(log.key, name) for name in ("Ann Émile", "Bob"))
    for task, worker in (("p", ann), ("p", bob), ("q", ann)):
        log.append(record(task, worker))
    log.append(Record(ann, "q", at=1, undo=True))
    log.close()
    assert "Ann" not in path.read_text()
    assert delete_worker(path, "Ann E\u0301mile ") == 3
    assert delete_worker(path, "Carol") == 0
    assert [each.worker for each in read_log(str(path))] == [bob]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again, _ = opened(path)
    assert again.key == log.key
    again.close()


def test_a_file_whose_answers_are_deleted_while_it_is_opened_is_opened_again(path, monkeypatch):
    log, _ = opened(path)
    ann = pseudonym(log.key, "Ann")
    log.append(record("p", ann))
    log.append(record("p", "w-bob"))
    log.close()
    lock = module._lock

    def lock_late(file, name):
        monkeypatch.setattr(module, "_lock", lock)
        assert delete_worker(path, "Ann") == 1
        lock(file, name)

    monkeypatch.setattr(module, "_lock", lock_late)
    log, records = opened(path)
    assert [each.worker for each in records] == ["w-bob"]
    log.append(record("q"))
    assert [each.worker for each in read_log(str(path))] == ["w-bob", "w-1"]
    log.close()


def test_answers_are_deleted_from_the_file_that_a_link_leads_to(path, tmp_path):
    log, _ = opened(path)
    log.append(record("p", pseudonym(log.key, "Ann")))
    log.close()
    link = tmp_path / "link.jsonl"
    link.symlink_to(path)
    assert delete_worker(link, "Ann") == 1
    assert link.is_symlink()
    assert list(read_log(str(path))) == []


def test_a_second_name_that_would_keep_the_answers_is_named(path):
    log, _ = opened(path)
    log.append(record("p", pseudonym(log.key, "Ann")))
    log.close()
    path.with_name("second").hardlink_to(path)
    with pytest.raises(InputError, match=r"answers\.jsonl: .*hard link"):
        delete_worker(path, "Ann")
    path.with_name("second").unlink()
    assert delete_worker(path, "Ann") == 1


def test_nothing_is_deleted_from_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        delete_worker(tmp_path / "none", "Ann")
    assert list(tmp_path.iterdir()) == []


def test_answers_about_products_that_are_gone_are_kept_and_counted(path):
    service = TaskService(["p", "q"], QueueSettings(), path)
    service.answer("w", "p", "x", "", 1)
    service.close()
    service = TaskService(["q", "r"], QueueSettings(), path)
    assert (service.unknown, service.progress("w").given) == (1, 0)
    service.close()
    assert len(list(read_log(str(path)))) == 1


def test_the_count_of_all_answers_does_not_tell_gold_apart(path, monkeypatch):
    monkeypatch.setattr("secrets.token_hex", lambda *_: "5eed")
    ids = [f"p{n}" for n in range(40)]
    how = QueueSettings(1, gold=dict.fromkeys(ids[:20], "Hats"), gold_share=0.5)
    service = TaskService(ids, how, path)
    shown = [service.shown_progress("w", ends=False)]
    for _ in range(25):
        service.answer("w", ids[service.take("w", 1)[0]], "Hats", "", 1)
        shown.append(service.shown_progress("w", ends=False))
    assert [each.own for each in shown] == list(range(26))
    given = [each.given for each in shown]
    assert [len(set(given[n : n + 10])) for n in (0, 10)] == [1, 1]
    assert 0 < given[10] < 10 and given[20] < given[10] + 10
    assert service.shown_progress("w", ends=True) == service.progress("w")
    service.close()


def test_gold_answers_are_counted_by_worker(path):
    how = QueueSettings(gold={"p": "Hats", "q": "Bags"})
    service = TaskService(["p", "q", "r"], how, path)
    for task, label in (("p", "Hats"), ("q", "Hats"), ("r", "Hats")):
        service.answer("w", task, label, "", 1)
    assert service.gold_right("w") == (1, 2)
    service.undo("w", "r")
    service.undo("w", "q")
    assert service.gold_right("w") == (1, 1)
    service.close()
