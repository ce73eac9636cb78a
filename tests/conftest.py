"""What all tests share: fixtures of several folders, and hypothesis without a deadline.

A busy machine is no fault of a test.
"""

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
    "tests.fixtures.shop_api",
    "tests.fixtures.postgresql",
    "tests.fixtures.picture_server",
    "tests.fixtures.stores",
    "tests.fixtures.training",
]

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
