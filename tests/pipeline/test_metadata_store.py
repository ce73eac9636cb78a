import subprocess
import sys

import ml_metadata
import pytest
from ml_metadata.proto import metadata_store_pb2

from pipeline.experiments.runs import list_runs
from pipeline.metadata_store import recover
from pipeline.output_folder import OutputFolder
from shelfsort.core.errors import InputError

# Dies between the writing of its journal's header and the end of the commit: a small cache makes
# SQLite write into the database before that.
_KILLED = """
import os, signal, sqlite3, sys
store = sqlite3.connect(sys.argv[1], isolation_level=None)
store.execute("PRAGMA cache_size = 1")
store.execute("BEGIN IMMEDIATE")
for number in range(2000):
    store.execute("INSERT INTO Context (type_id, name) VALUES (1, ?)", (f"{number:0500}",))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def folder(tmp_path):
    """An output folder whose store has one run."""
    made = OutputFolder.open(str(tmp_path / "out"))
    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(made.metadata)
    config.sqlite.connection_mode = 3
    store = ml_metadata.MetadataStore(config)
    kind = store.put_context_type(metadata_store_pb2.ContextType(name="pipeline_run"))
    store.put_contexts([metadata_store_pb2.Context(type_id=kind, name="first")])
    return made


def test_a_commit_that_was_killed_is_rolled_back_by_the_next_reader(folder):
    subprocess.run([sys.executable, "-c", _KILLED, str(folder.metadata)], check=False)
    journal = folder.metadata.with_name("metadata.sqlite-journal")
    assert journal.stat().st_size > 0
    assert [run.id for run in list_runs(folder)] == ["first"]
    assert not journal.exists()


def test_a_store_that_was_killed_while_it_was_made_is_none(tmp_path):
    folder = OutputFolder.open(str(tmp_path / "out"))
    assert not recover(folder.metadata)
    folder.metadata.touch()
    assert not recover(folder.metadata)
    with pytest.raises(InputError, match="no run was made here yet"):
        list_runs(folder)


@pytest.mark.parametrize("content", [b"no database" * 1000, None])
def test_a_damaged_store_is_one_line(folder, content):
    whole = folder.metadata.read_bytes()
    folder.metadata.write_bytes(content or whole[:8192])
    with pytest.raises(InputError, match="the record of earlier runs cannot be read") as caught:
        list_runs(folder)
    assert "\n" not in str(caught.value)
