"""The table of limits in docs/security.md says what the model server does."""

import importlib.util
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_table_of_limits_is_the_servers():
    specification = importlib.util.spec_from_file_location("limits_table", DOCS / "limits_table.py")
    module = importlib.util.module_from_spec(specification)
    sys.modules["limits_table"] = module
    specification.loader.exec_module(module)
    page = module.PAGE.read_text("utf-8")
    assert module.with_table(page) == page
