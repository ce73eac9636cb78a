"""Ports share the files that the process may open, and leave some of them."""

import resource

import pytest

from serving.server import descriptors

UNLIMITED = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("files", "wanted", "given"),
    [
        (1128, 4096, 500),
        (1128, 100, 100),
        (1_000_000, 4096, 4096),
        (130, 4096, 16),
        (UNLIMITED, 9, 9),
    ],
)
def test_a_port_has_at_most_half_of_what_is_left(monkeypatch, files, wanted, given):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    assert descriptors.connections(wanted) == given


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
    descriptors.raise_limit()
    assert done == ([] if set_to is None else [set_to])
