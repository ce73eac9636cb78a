"""Which version a candidate is compared with."""

from pipeline.errors import InputError
from serving.versions import ModelVersion, find_version, live_version


def baseline_version(serving_dir: str, pinned: str) -> ModelVersion | None:
    """The version named by `pinned`, or the live one when that is empty; None when none is live.

    Raises InputError when `pinned` is no number, or a version that is not there any more.
    """
    if not pinned:
        return live_version(serving_dir)
    if not pinned.isdecimal():
        raise InputError(
            f"live_version={pinned!r}: not a version's number. Leave it empty, or fix it."
        )
    return find_version(serving_dir, int(pinned))
