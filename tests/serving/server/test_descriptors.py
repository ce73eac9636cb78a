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
