"""Connections, within the files that the process may have open: each takes one of them.

A port that takes all of them closes the other one, and what a model needs to load.
"""

import contextlib
import resource

_ENOUGH = 65_536
_OTHERS = 128
"""Files of the process itself: libraries, models, pipes and logs."""
_FEWEST = 16


def raise_limit() -> None:
    """Lets this process open as many files as it may: many systems begin with 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        # Some systems have another bound, which no call tells.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def connections(wanted: int) -> int:
    """How many connections one of two ports may have.

    Args:
        wanted: if there are files for as many.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    return min(wanted, max(_FEWEST, (soft - _OTHERS) // 2))
