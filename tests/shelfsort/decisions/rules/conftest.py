"""A tree and a file of rules."""

import json

import pytest
import yaml

TREE = [
    {"id": "all", "name": "All", "subcategories": ["shoes", "mugs", "bags"]},
    {"id": "shoes", "name": "Shoes", "subcategories": ["boots", "clogs"], "parent": "all"},
    {"id": "boots", "name": "Boots", "subcategories": [], "parent": "shoes"},
    {"id": "clogs", "name": "Clogs", "subcategories": [], "parent": "shoes"},
    {"id": "mugs", "name": "Mugs", "subcategories": [], "parent": "all"},
    {"id": "bags", "name": "Bags", "subcategories": [], "parent": "all"},
]


@pytest.fixture
def write(tmp_path):
    """Writes rules, given as YAML or as values, beside their tree; returns the file's path."""
    (tmp_path / "tree.json").write_text(json.dumps(TREE))

    def written(content) -> str:
        text = content if isinstance(content, str) else yaml.safe_dump(content)
        path = tmp_path / "rules.yaml"
        path.write_text(text if "taxonomy:" in text else f"taxonomy: tree.json\n{text.lstrip()}")
        return str(path)

    return written
