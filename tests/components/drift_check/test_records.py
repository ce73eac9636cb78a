import gzip
import io
import struct

import google_crc32c
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.drift_check.records import BrokenRecordError, records


def masked(content: bytes) -> bytes:
    crc = google_crc32c.value(content)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def frame(content: bytes) -> bytes:
    length = struct.pack("<Q", len(content))
    return length + masked(length) + content + masked(content)


def read(content: bytes, **options) -> tuple[list[bytes], str]:
    """The records, and what ended them."""
    found = []
    try:
        for record in records(io.BytesIO(content), **options):
            found.append(record)
    except BrokenRecordError as error:
        return found, str(error)
    return found, ""


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_what_was_framed_is_read(contents):
    assert read(b"".join(map(frame, contents))) == (contents, "")


@pytest.mark.slow
def test_what_tensorflow_wrote_is_read(tmp_path):
    import tensorflow as tf

    path = tmp_path / "log.gz"
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        writer.write(b"first")
        writer.write(b"")
    assert read(gzip.decompress(path.read_bytes())) == ([b"first", b""], "")


@given(st.binary(max_size=200))
def test_any_bytes_end_in_records_or_in_a_reason(content):
    found, problem = read(frame(b"good") + content)
    assert found[0] == b"good"
    assert not content or problem or b"".join(map(frame, found)) == frame(b"good") + content


@given(st.data())
def test_a_changed_byte_is_noticed_and_the_records_before_it_are_kept(data):
    content = bytearray(frame(b"one") + frame(b"two"))
    place = data.draw(st.integers(len(frame(b"one")), len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    assert read(bytes(content))[0] == [b"one"]
    assert read(bytes(content))[1]


def test_a_record_that_claims_too_much_is_not_read():
    length = struct.pack("<Q", 1 << 60)
    found, problem = read(frame(b"good") + length + masked(length) + b"x" * 50)
    assert found == [b"good"] and "are the most" in problem
    assert read(frame(b"12345"), max_bytes=4)[0] == []


def test_a_file_that_breaks_off_keeps_what_is_whole():
    whole = frame(b"one") + frame(b"two")
    for end in range(len(frame(b"one")) + 1, len(whole)):
        found, problem = read(whole[:end])
        assert found == [b"one"] and "middle of a record" in problem
