"""What all tests share: fixtures of several folders, and hypothesis without a deadline.

A busy machine is no fault of a test.
"""

import gc
import os
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import settings

ABSENT = str(Path(__file__).parent / "fixtures" / "absent")
if ABSENT not in sys.path:
    # Before anything imports TFX, here and in the processes that tests start.
    sys.path.insert(0, ABSENT)
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [ABSENT, *filter(None, [os.environ.get("PYTHONPATH")])]
    )

pytest_plugins = [
    "tests.fixtures.browser",
    "tests.fixtures.catalogue",
    "tests.fixtures.crawl",
    "tests.fixtures.fake_server",
    "tests.fixtures.golden",
    "tests.fixtures.migrations",
    "tests.fixtures.shop_api",
    "tests.fixtures.postgresql",
    "tests.fixtures.picture_server",
    "tests.fixtures.stores",
    "tests.fixtures.training",
]

_begun: dict[pytest.Session, Path] = {}

settings.register_profile("shelfsort", deadline=None)
settings.load_profile("shelfsort")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts files first that may take long, so that no worker ends long before the other."""
    allowed: dict[object, float] = defaultdict(float)
    for item in items:
        # Less than any limit that a file is given.
        allowed[item.path] = max(allowed[item.path], bool(item.get_closest_marker("slow")))
        for mark in item.iter_markers("timeout"):
            allowed[item.path] = max(allowed[item.path], mark.args[0])
    items.sort(key=lambda item: allowed[item.path], reverse=True)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before each file: garbage collections need not look at all that lives to the end anyway."""
    if item.path != _begun.get(item.session):
        _begun[item.session] = item.path
        gc.collect()
        gc.freeze()
