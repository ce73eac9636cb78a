"""What all tests share: fixtures of several folders, and hypothesis without a deadline.

A busy machine is no fault of a test.
"""

from hypothesis import settings

pytest_plugins = [
    "tests.fixtures.browser",
    "tests.fixtures.catalogue",
    "tests.fixtures.fake_server",
    "tests.fixtures.golden",
    "tests.fixtures.stores",
    "tests.fixtures.training",
]

settings.register_profile("shelfsort", deadline=None)
settings.load_profile("shelfsort")
