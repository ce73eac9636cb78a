r"""Where a JPEG holds its EXIF orientation, as a pattern that Python and TensorFlow's RE2 share.

The first directory (IFD0) follows the TIFF header directly in every file of a camera: 2 bytes count
its entries, and each has 12 (TIFF 6.0, section 2). An entry of orientation is the tag 0x0112 of
type SHORT and count 1.
"""

import re

EXIF_HEAD_BYTES = 2048
"""First bytes of a file that hold the entry, if there is one."""

_LITTLE = (
    r"II\x2a\x00\x08\x00\x00\x00\C{2}(?:\C{12}){0,40}?"
    r"\x12\x01\x03\x00\x01\x00\x00\x00([\x02-\x08])\x00"
)
_BIG = (
    r"MM\x00\x2a\x00\x00\x00\x08\C{2}(?:\C{12}){0,40}?"
    r"\x01\x12\x00\x03\x00\x00\x00\x01\x00([\x02-\x08])"
)
ORIENTATION_PATTERN = rf"^\C{{4,64}}?Exif\x00\x00(?:{_LITTLE}|{_BIG})\C*$"
r"""For RE2, where `\C` is any byte. Group 1 or 2 is the orientation, one byte from 2 to 8."""

_OF_PYTHON = re.compile(ORIENTATION_PATTERN.replace(r"\C", ".").encode(), re.DOTALL)


def served_orientation(content: bytes) -> int:
    """The orientation from 1 to 8 that the served graph reads of an encoded image."""
    found = _OF_PYTHON.match(content[:EXIF_HEAD_BYTES]) if content[:2] == b"\xff\xd8" else None
    return (found[1] or found[2])[0] if found else 1
