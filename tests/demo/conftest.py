"""A small catalogue, made once for all tests that only read it."""

import pytest

from demo.catalogue import Catalogue, make_catalogue


@pytest.fixture(scope="session")
def catalogue(tmp_path_factory) -> Catalogue:
    return make_catalogue(tmp_path_factory.mktemp("demo") / "catalogue", products=168, seed=7)
