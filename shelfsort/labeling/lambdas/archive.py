"""The archive that AWS Lambda runs: both functions and the one module that they share."""

import io
import zipfile
from pathlib import Path

import shelfsort

HANDLERS = {
    "pre-annotation": "shelfsort.labeling.lambdas.pre_annotation.handler",
    "post-annotation": "shelfsort.labeling.lambdas.post_annotation.handler",
}
"""The handler of each function, as its configuration names it."""
_FILES = (
    "__init__.py",
    "labeling/__init__.py",
    "labeling/answer_content.py",
    "labeling/lambdas/__init__.py",
    "labeling/lambdas/pre_annotation.py",
    "labeling/lambdas/post_annotation.py",
)
# The first that a zip archive can hold: equal code makes equal archives.
_DATE = (1980, 1, 1, 0, 0, 0)
_READABLE = 0o644 << 16


def lambda_archive() -> bytes:
    """The zip archive, the same bytes for the same code."""
    package = Path(shelfsort.__file__).parent
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in _FILES:
            entry = zipfile.ZipInfo(f"{package.name}/{name}", _DATE)
            entry.external_attr = _READABLE
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, (package / name).read_bytes())
    return out.getvalue()
