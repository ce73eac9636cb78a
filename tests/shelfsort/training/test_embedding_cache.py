"""The embedding cache: exact, shared between runs, and whole after a kill."""

import os
import signal
import subprocess
import sys
import textwrap

import numpy as np

from shelfsort.training.embedding_cache import EmbeddingCache, content_digest


def test_embeddings_come_back_bit_for_bit_in_a_later_run(tmp_path):
    digests = [content_digest(bytes([i])) for i in range(3)]
    vectors = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    first = EmbeddingCache(tmp_path, "net-224")
    first.put(digests, vectors)
    first.close()
    later = EmbeddingCache(tmp_path, "net-224")
    unknown = content_digest(b"new")
    assert later.known([*digests, unknown]) == set(digests)
    found = later.get([*digests, unknown])
    assert unknown not in found
    for digest, vector in zip(digests, vectors, strict=True):
        np.testing.assert_array_equal(found[digest], vector)


def test_another_backbone_has_a_cache_of_its_own(tmp_path):
    EmbeddingCache(tmp_path, "a").put([b"x" * 16], np.ones((1, 2), np.float32))
    assert EmbeddingCache(tmp_path, "b").known([b"x" * 16]) == set()


def test_without_a_folder_it_lives_in_memory():
    cache = EmbeddingCache(None, "net")
    cache.put([b"x" * 16], np.ones((1, 2), np.float32))
    assert cache.known([b"x" * 16]) == {b"x" * 16}


def test_more_digests_than_one_query_takes(tmp_path):
    digests = [content_digest(str(i).encode()) for i in range(1203)]
    cache = EmbeddingCache(tmp_path, "net")
    cache.put(digests, np.zeros((1203, 1), np.float32))
    assert len(cache.get(digests)) == 1203


def test_a_killed_run_leaves_whole_batches(tmp_path):
    writer = textwrap.dedent(
        """
        import os, signal, sys
        from pathlib import Path
        import numpy as np
        from shelfsort.training.embedding_cache import EmbeddingCache
        cache = EmbeddingCache(Path(sys.argv[1]), "net")
        cache.put([b"a" * 16, b"b" * 16], np.ones((2, 4), np.float32))
        connection = cache._connection
        connection.execute("BEGIN")
        connection.execute("INSERT INTO embedding VALUES (?, ?)", (b"c" * 16, b"half"))
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    killed = subprocess.run([sys.executable, "-c", writer, str(tmp_path)], env={**os.environ})
    assert killed.returncode == -signal.SIGKILL
    after = EmbeddingCache(tmp_path, "net")
    assert after.known([b"a" * 16, b"b" * 16, b"c" * 16]) == {b"a" * 16, b"b" * 16}
