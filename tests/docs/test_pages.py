"""Links and paths on the pages exist, and the changelog names every renamed setting."""

import re
from pathlib import Path

import pytest

from pipeline.renamed_keys import RENAMED

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("serving/**/*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_relative_links_lead_to_files(page):
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text("utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_contributing_names_folders_that_exist():
    section = (ROOT / "CONTRIBUTING.md").read_text("utf-8").partition("## Where does it go")[2]
    table = re.findall(r"^\| [^|]+\| ([^|]+)\|$", section.partition("## Layers")[0], re.MULTILINE)
    paths = [path for row in table for path in re.findall(r"`([\w./]+/[\w./]*)`", row)]
    assert len(paths) > 20
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_changelog_names_every_renamed_setting():
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    rows = [f"| `{old}` | `{new}` |" for old, new in RENAMED.items()]
    assert [row for row in rows if row not in changelog] == []
