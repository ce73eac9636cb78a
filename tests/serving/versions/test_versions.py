import fcntl
import json
import os
import shutil
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving import version_folders, versions
from serving.server.storage import list_versions as server_versions
from shelfsort.contract.model_files import model_digest, recorded_digest
from shelfsort.core.errors import InputError


def _hidden(base: Path) -> list[str]:
    return [entry.name for entry in base.iterdir() if entry.name.startswith(".")]


def _lineage(base: Path, number: int) -> dict:
    return json.loads((base / str(number) / "assets.extra" / "shelfsort.json").read_text())


def test_a_models_digest_is_the_recorded_one_or_that_of_its_files(make_model, base, tmp_path):
    model = make_model()
    pushed = Path(versions.publish(model, base).path)
    assert recorded_digest(pushed) == recorded_digest(model) == model_digest(model)
    lineage = pushed / "assets.extra" / "shelfsort.json"
    lineage.write_text(json.dumps({"model_digest": "as recorded"}))
    assert recorded_digest(pushed) == "as recorded"
    assert recorded_digest(tmp_path / "nowhere") == ""


def test_first_push_is_version_1_and_later_ones_count_up(make_model, base):
    assert versions.publish(make_model("a"), base).version == 1
    assert versions.publish(make_model("b"), base).version == 2
    assert [version.number for version in versions.list_versions(base)] == [1, 2]
    assert versions.live_version(base).number == 2


def test_a_pushed_version_holds_every_file_and_is_readable_by_others(make_model, base):
    model = make_model("a")
    versions.publish(model, base)
    names = {p.relative_to(model) for p in model.rglob("*") if p.is_file()}
    assert {p.relative_to(base / "1") for p in (base / "1").rglob("*") if p.is_file()} == names
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE((base / "1").stat().st_mode) == 0o777 & ~umask


def test_lineage_is_kept_and_completed(make_model, base):
    model = make_model("a", taxonomy_version="abc")
    versions.publish(model, base, extra_lineage={"metrics": {"n": 3}})
    lineage = _lineage(base, 1)
    assert lineage["taxonomy_version"] == "abc"
    assert lineage["metrics"] == {"n": 3}
    assert lineage["model_digest"] == model_digest(model) == model_digest(base / "1")
    assert "assets.extra/shelfsort.json" not in lineage["files"]


def test_the_live_model_is_not_pushed_twice(make_model, base):
    versions.publish(make_model("a"), base)
    again = versions.publish(make_model("a"), base)
    assert (again.version, again.already_live) == (1, True)
    assert [version.number for version in versions.list_versions(base)] == [1]


def test_an_older_model_may_be_pushed_again(make_model, base):
    for content in "aba":
        last = versions.publish(make_model(content), base)
    assert (last.version, last.already_live) == (3, False)


def test_digest_ignores_documents_and_warm_up_but_not_weights(make_model):
    model = make_model("a")
    before = model_digest(model)
    (model / "assets.extra" / "tf_serving_warmup_requests").write_bytes(b"others")
    (model / "assets.extra" / "shelfsort.json").write_text("{}")
    assert model_digest(model) == before
    (model / "variables" / "variables.index").write_bytes(b"other")
    assert model_digest(model) != before


def test_names_that_are_no_version_are_ignored_and_zeros_do_not_count(make_model, base):
    versions.publish(make_model("a"), base)
    (base / "1").rename(base / "007")
    for name in ("latest", "-3", "1.5", ".incoming-x", "٣"):
        (base / name).mkdir()
    (base / "12").write_text("a file, not a folder")
    assert [version.number for version in versions.list_versions(base)] == [7]
    assert versions.publish(make_model("b"), base).version == 8


def test_a_folder_without_a_graph_is_not_a_version_but_its_number_is_taken(make_model, base):
    (base / "5").mkdir(parents=True)
    assert versions.live_version(base) is None
    assert versions.publish(make_model("a"), base).version == 6


def test_nothing_was_pushed_yet(base):
    assert versions.list_versions(base) == []
    assert versions.live_version(base) is None
    with pytest.raises(InputError, match="no version is live"):
        versions.rollback(base)


def test_a_folder_without_a_model_is_refused(tmp_path, base):
    with pytest.raises(InputError, match=r"holds no saved_model\.pb"):
        versions.publish(tmp_path, base)
    assert not base.exists()


def test_a_failing_copy_leaves_nothing_behind(make_model, base, monkeypatch):
    versions.publish(make_model("a"), base)

    def full_disk(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(version_folders, "_copy_durably", full_disk)
    with pytest.raises(OSError, match="No space"):
        versions.publish(make_model("b"), base)
    assert sorted(entry.name for entry in base.iterdir()) == ["1"]


def test_a_number_taken_by_another_publisher_is_left_to_it(make_model, base, monkeypatch):
    numbers = iter([1, 2])
    monkeypatch.setattr(version_folders, "_next_number", lambda taken: next(numbers))
    (base / "1" / "variables").mkdir(parents=True)
    assert versions.publish(make_model("a"), base).version == 2


def test_a_file_or_a_dead_link_with_the_next_number_is_passed_over(make_model, base):
    versions.publish(make_model("a"), base)
    (base / "2").touch()
    (base / "3").symlink_to("nowhere")
    assert versions.publish(make_model("b"), base).version == 4


def test_there_is_no_version_after_the_highest(make_model, base):
    versions.publish(make_model("a"), base)
    (base / "1").rename(base / str(2**63 - 2))
    assert versions.publish(make_model("b"), base).version == 2**63 - 1
    with pytest.raises(InputError, match="no higher number"):
        versions.publish(make_model("c"), base)
    assert _hidden(base) == []


def test_nanoseconds_and_padded_numbers_are_versions_as_the_server_sees_them(make_model, base):
    for name in ("1795699910000000000", "0000000000000000000007", "0" * 65, str(2**63)):
        shutil.copytree(make_model("a"), base / name)
    numbers = [version.number for version in versions.list_versions(base)]
    assert numbers == sorted(server_versions(str(base))) == [7, 1795699910000000000]
    assert versions.publish(make_model("b"), base).version == 1795699910000000001


def test_of_two_names_for_one_number_the_servers_counts(make_model, base):
    for name in ("7", "007"):
        shutil.copytree(make_model("a"), base / name)
    (version,) = versions.list_versions(base)
    assert version.path == server_versions(str(base))[7] == str(base / "007")


@pytest.mark.parametrize("lost", ["variables.index", "variables.data-00000-of-00001"])
@pytest.mark.parametrize("recorded", [True, False])
def test_a_half_copied_version_is_not_live(make_model, base, lost, recorded):
    versions.publish(make_model("a"), base)
    if recorded:
        versions.publish(make_model("b"), base)
    else:
        shutil.copytree(make_model("b"), base / "2")
    assert versions.live_version(base).number == 2
    (base / "2" / "variables" / lost).unlink()
    assert versions.live_version(base).number == 1
    assert versions.find_version(base, 2).missing == (f"variables/{lost}",)
    assert versions.prune(base, keep=1) == []
    with pytest.raises(InputError, match="is missing"):
        versions.rollback(base, 2)
    assert versions.publish(make_model("a"), base).already_live


def test_a_leftover_goes_when_nobody_holds_its_lock_or_it_is_old(make_model, base):
    names = [f".incoming-{name}" for name in ("dead", "alive", "unlocked", "old")]
    for name in (*names, ".removed-3-0123abcd", ".snapshot"):
        (base / name).mkdir(parents=True)
    for name in names[:2]:
        (base / f"{name}.lock").touch()
    long_ago = time.time() - version_folders.ABANDONED_AFTER_S - 60
    os.utime(base / ".incoming-old", (long_ago, long_ago))
    with (base / ".incoming-alive.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        versions.publish(make_model("a"), base)
    kept = [".incoming-alive", ".incoming-alive.lock", ".incoming-unlocked", ".snapshot"]
    assert sorted(_hidden(base)) == kept


def test_an_unfinished_copy_is_its_publishers_whatever_its_host_and_process_are_called(
    make_model, base, monkeypatch
):
    copy = version_folders._copy_durably
    seen = []

    def swept_meanwhile(source, target):
        copy(source, target)
        monkeypatch.setattr(os, "getpid", lambda: 1)
        version_folders.version_folders(base).sweep()
        seen.append(target.exists())

    monkeypatch.setattr(version_folders, "_copy_durably", swept_meanwhile)
    versions.publish(make_model("a"), base)
    assert seen and all(seen)


def test_prune_beside_another_loses_nothing_and_says_nothing(make_model, base, monkeypatch):
    for content in "abc":
        versions.publish(make_model(content), base)
    rmtree = shutil.rmtree

    def beaten(path, **options):
        rmtree(path, ignore_errors=True)
        return rmtree(path, **options)

    monkeypatch.setattr(version_folders.shutil, "rmtree", beaten)
    assert versions.prune(base, keep=1) == [1, 2]
    assert (versions.live_version(base).number, _hidden(base)) == (3, [])


@pytest.mark.parametrize("record", [{"x": 1}, [], "x", {"model_digest": [], "version": 1}])
def test_a_withdrawal_of_another_form_counts_as_none(make_model, base, record):
    versions.publish(make_model("a"), base, extra_lineage={"withdrawn": record})
    assert versions.withdrawn_digests(base) == {}
    versions.publish(make_model("b"), base)
    assert versions.rollback(base).number == 3


def test_rollback_publishes_a_copy_as_the_newest_version(make_model, base):
    versions.publish(make_model("a"), base)
    versions.publish(make_model("b"), base)
    version = versions.rollback(base, approved_by="Ada")
    assert version.number == 3
    assert versions.live_version(base).digest == model_digest(make_model("a"))
    assert [v.number for v in versions.list_versions(base)] == [1, 2, 3]
    lineage = _lineage(base, 3)
    assert lineage["rollback_of"] == 1
    assert lineage["rolled_back_by"] == "Ada"
    assert lineage["withdrawn"] == {"version": 2, "model_digest": model_digest(make_model("b"))}
    assert lineage["backbone"] == "efficientnet_lite0"
    assert versions.verify(version) == []


def test_rolling_back_twice_does_not_return_to_the_withdrawn_model(make_model, base):
    for content in "abc":
        versions.publish(make_model(content), base)
    assert _lineage(base, versions.rollback(base).number)["rollback_of"] == 2
    assert _lineage(base, versions.rollback(base).number)["rollback_of"] == 1
    with pytest.raises(InputError, match="no earlier model"):
        versions.rollback(base)
    assert versions.rollback(base, to=3).number == 6


def test_withdrawn_models_are_known_by_their_digest(make_model, base):
    versions.publish(make_model("a"), base)
    versions.publish(make_model("b"), base)
    assert versions.withdrawn_digests(base) == {}
    versions.rollback(base)
    assert versions.withdrawn_digests(base) == {model_digest(make_model("b")): 2}


def test_rollback_refuses_the_live_model_and_unknown_versions(make_model, base):
    versions.publish(make_model("a"), base)
    with pytest.raises(InputError, match="live now"):
        versions.rollback(base, to=1)
    with pytest.raises(InputError, match=r"no version 9\. Versions: 1\."):
        versions.rollback(base, to=9)


def test_rollback_refuses_a_version_whose_files_changed(make_model, base):
    versions.publish(make_model("a"), base)
    versions.publish(make_model("b"), base)
    (base / "1" / "variables" / "variables.index").write_bytes(b"rot")
    with pytest.raises(InputError, match=r"variables/variables\.index has changed"):
        versions.rollback(base)
    assert versions.live_version(base).number == 2


def test_rollback_to_a_version_of_another_tool_records_its_digests(make_model, base):
    model = make_model("a")
    (model / "assets.extra" / "shelfsort.json").unlink()
    base.mkdir(parents=True)
    model.rename(base / "1700000000")
    versions.publish(make_model("b"), base)
    version = versions.rollback(base)
    assert version.lineage["rollback_of"] == 1700000000
    assert versions.verify(version) == []


def test_prune_keeps_the_newest_and_never_the_live_one(make_model, base):
    for content in "abcd":
        versions.publish(make_model(content), base)
    assert versions.prune(base, keep=2) == [1, 2]
    assert [version.number for version in versions.list_versions(base)] == [3, 4]
    assert _hidden(base) == []
    with pytest.raises(InputError, match="live version cannot be removed"):
        versions.prune(base, keep=0)
    assert versions.prune(base, keep=9) == []


@pytest.mark.parametrize(
    ("harm", "finding"),
    [
        (lambda v: (v / "saved_model.pb").write_bytes(b"x"), "saved_model.pb has changed"),
        (lambda v: (v / "assets" / "vocabulary").unlink(), "assets/vocabulary is missing"),
        (lambda v: (v / "assets" / "new").write_text("x"), "assets/new was added"),
        (
            lambda v: (v / "assets.extra" / "tf_serving_warmup_requests").write_bytes(b"x"),
            "assets.extra/tf_serving_warmup_requests has changed",
        ),
    ],
)
def test_verify_names_the_file_that_differs(make_model, base, harm, finding):
    versions.publish(make_model("a"), base)
    assert versions.verify(versions.live_version(base)) == []
    harm(base / "1")
    assert versions.verify(versions.find_version(base, 1)) == [finding]


def test_verify_sees_a_digest_that_was_edited(make_model, base):
    versions.publish(make_model("a"), base)
    document = base / "1" / "assets.extra" / "shelfsort.json"
    document.write_text(json.dumps(_lineage(base, 1) | {"model_digest": "0" * 64}))
    assert "do not agree" in versions.verify(versions.live_version(base))[0]


@pytest.mark.parametrize("content", ["{", "[]", '"x"', "\xff"])
def test_an_unreadable_lineage_is_found_by_verify_and_stops_no_push(make_model, base, content):
    versions.publish(make_model("a"), base)
    (base / "1" / "assets.extra" / "shelfsort.json").write_bytes(content.encode("latin-1"))
    assert "no digests are recorded" in versions.verify(versions.live_version(base))[0]
    assert versions.publish(make_model("a"), base).already_live
    assert versions.publish(make_model("b"), base).version == 2


@given(st.lists(st.text(max_size=8)))
def test_only_plain_numbers_are_versions_whatever_lies_in_the_folder(names):
    numbered = version_folders._numbered(iter(names))
    assert list(numbered) == sorted(numbered)
    assert set(numbered.values()) <= set(names)
    assert all(str(number) == name.lstrip("0") or number == 0 for number, name in numbered.items())


def test_publishers_at_the_same_time_get_a_number_each(make_model, base):
    models = [make_model(content) for content in "abcdefgh"]
    with ThreadPoolExecutor(len(models)) as pool:
        published = list(pool.map(lambda model: versions.publish(model, base), models))
    assert sorted(publication.version for publication in published) == list(range(1, 9))
    for publication, model in zip(published, models, strict=True):
        assert model_digest(publication.path) == model_digest(model)
    assert _hidden(base) == []
