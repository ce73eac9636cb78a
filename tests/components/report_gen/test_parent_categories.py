"""Parent categories, counted by hand."""

import pandas as pd

from components.report_gen.parent_categories import parent_rows
from shelfsort.contract.calibration import ModalityCalibration
from shelfsort.products.taxonomy import Taxonomy

TREE = Taxonomy.from_nodes(
    [
        {"id": "main", "name": "Main", "subcategories": ["wear", "mugs"]},
        {"id": "wear", "name": "Wear", "subcategories": ["hats", "boots"], "parent": "main"},
        {"id": "hats", "name": "Hats", "subcategories": [], "parent": "wear"},
        {"id": "boots", "name": "Boots", "subcategories": [], "parent": "wear"},
        {"id": "mugs", "name": "Mugs", "subcategories": [], "parent": "main"},
    ]
)


def test_a_parent_counts_the_products_answered_with_it_and_those_that_belong_there():
    answers = pd.DataFrame(
        {
            "answer": ["wear", "wear", "wear", "hats", ""],
            "category": ["hats", "boots", "mugs", "hats", "boots"],
        }
    )
    parents = {"wear": {"95": 0.7, "98": None, "n": 40}, "mugs": {"95": 0.6, "98": 0.9, "n": 9}}
    (row,) = parent_rows(
        answers, ModalityCalibration.from_json({"by_parent": parents}), TREE, (0.95, 0.98)
    )
    assert (row.path, row.thresholds) == ("Wear", (0.7, None))
    assert (row.calibration_n, row.answered, row.right) == (40, 3, 2)


def test_a_model_without_thresholds_of_parents_has_no_rows():
    nothing = ModalityCalibration.from_json({})
    assert (
        parent_rows(pd.DataFrame({"answer": [], "category": []}), nothing, TREE, (0.95, 0.98)) == []
    )
