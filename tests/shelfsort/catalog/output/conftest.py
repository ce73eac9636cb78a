import pytest

from tests.fixtures.shop import Shop


@pytest.fixture
def shop(tmp_path):
    """An empty catalogue."""
    return Shop(tmp_path)
