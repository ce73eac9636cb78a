"""The limit of open files is raised as far as the system allows."""

import resource

import pytest

from shelfsort.core import open_files

UNLIMITED = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("limits", "set_to"),
    [
        ((1024, 4096), (4096, 4096)),
        ((1024, UNLIMITED), (65_536, UNLIMITED)),
        ((1024, 1_000_000), (65_536, 1_000_000)),
        ((100_000, 1_000_000), None),
        ((UNLIMITED, UNLIMITED), None),
    ],
)
def test_the_limit_is_raised_as_far_as_is_allowed_and_of_use(monkeypatch, limits, set_to):
    done = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, given: done.append(given))
    open_files.raise_limit()
    assert done == ([] if set_to is None else [set_to])
