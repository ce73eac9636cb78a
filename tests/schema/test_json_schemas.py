import json
from pathlib import Path

import jsonschema
import pytest

import schema

DATA = Path(__file__).parents[2] / "../shared/data"
VOTED = {
    "id": "p",
    "title": "t",
    "shelf": {"workers": [{"worker_id": "w", "label": "a"}]},
    "shelf-metadata": {"type": "groundtruth/custom"},
}
TREE = [
    {"id": "main", "name": "Main", "subcategories": ["a"]},
    {"id": "a", "name": "A", "subcategories": [], "parent": "main"},
]


def validator(path):
    declared = json.loads(path.read_text())
    jsonschema.Draft202012Validator.check_schema(declared)
    return jsonschema.Draft202012Validator(declared)


@pytest.fixture
def manifest():
    return validator(schema.MANIFEST_SCHEMA_FILE)


@pytest.fixture
def taxonomy():
    return validator(schema.TAXONOMY_SCHEMA_FILE)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"title": "", "source-ref": "images/a.jpg"},
        {"price": 9.5, "gold": "A > B"},
        {"shelf": 4, "shelf-metadata": {"class-name": "a", "confidence": 0.9}},
        {"shelf-metadata": {"failure-reason": "ClientError"}},
    ],
)
def test_lines_of_a_manifest_are_valid(manifest, change):
    manifest.validate({**VOTED, **change})


@pytest.mark.parametrize(
    "change",
    [
        {"title": ""},
        {"title": ["t"]},
        {"source-ref": 3},
        {"shelf-metadata": 3},
        {"shelf-metadata": {"confidence": 2}},
        {"shelf": {"workers": []}},
        {"shelf": {"workers": [{"worker_id": "w"}]}},
    ],
)
def test_lines_that_are_none_are_not_valid(manifest, change):
    assert not manifest.is_valid({**VOTED, **change})


def test_a_taxonomy_is_valid(taxonomy):
    taxonomy.validate(TREE)


@pytest.mark.parametrize("nodes", [[], {}, [{"id": "a"}], [{"id": " ", "name": "A"}], [3]])
def test_what_is_no_list_of_categories_is_not_valid(taxonomy, nodes):
    assert not taxonomy.is_valid(nodes)


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the shared development data")
@pytest.mark.parametrize("name", ["fashion", "grocery", "clothing"])
def test_real_files_are_valid(manifest, taxonomy, name):
    taxonomy.validate(json.loads((DATA / name / "taxonomy.json").read_text()))
    lines = (DATA / name / "labelled.manifest").read_text().splitlines()
    for line in lines[:: max(1, len(lines) // 50)]:
        manifest.validate(json.loads(line))
