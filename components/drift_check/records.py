"""TFRecord files whose bytes nobody vouches for: read within bounds, up to where they are broken.

TensorFlow's own reader sets aside as many bytes as a record claims to have.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO

import google_crc32c

MAX_RECORD_BYTES = 64 << 20
_LENGTH = struct.Struct("<Q")
_CHECKSUM = struct.Struct("<I")


class BrokenRecordError(ValueError):
    """The file is no TFRecord file from here on; says why."""


def records(stream: BinaryIO, max_bytes: int = MAX_RECORD_BYTES) -> Iterator[bytes]:
    """The records of a stream, one after another.

    Args:
        stream: uncompressed bytes.
        max_bytes: of one record; a longer one counts as broken.

    Raises:
        BrokenRecordError: after the records before it: a length or a checksum that does not fit,
            or an end in the middle of a record. What follows cannot be found again.
    """
    while header := stream.read(_LENGTH.size):
        length_bytes = _checked(header, _LENGTH.size, stream)
        (length,) = _LENGTH.unpack(length_bytes)
        if length > max_bytes:
            raise BrokenRecordError(f"a record of {length:,} bytes; {max_bytes:,} are the most")
        yield _checked(stream.read(length), length, stream)


def _checked(content: bytes, length: int, stream: BinaryIO) -> bytes:
    checksum = stream.read(_CHECKSUM.size)
    if len(content) < length or len(checksum) < _CHECKSUM.size:
        raise BrokenRecordError("the file ends in the middle of a record")
    if _CHECKSUM.unpack(checksum)[0] != _masked(google_crc32c.value(content)):
        raise BrokenRecordError("a checksum does not fit")
    return content


def _masked(crc: int) -> int:
    # tensorflow/core/lib/hash/crc32c.h: a checksum of data that holds checksums would be weak.
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
