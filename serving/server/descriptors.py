"""Connections, within the files that the process may have open: each takes one of them.

A port that takes all of them closes the other one, and what a model needs to load.
"""

import resource

_OTHERS = 128
"""Files of the process itself: libraries, models, pipes and logs."""
_FEWEST = 16


def connections(wanted: int) -> int:
    """How many connections one of two ports may have.

    Args:
        wanted: if there are files for as many.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    return min(wanted, max(_FEWEST, (soft - _OTHERS) // 2))
