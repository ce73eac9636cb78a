"""The card of a version, from lineages made by hand."""

from serving.model_card import model_card
from serving.versions import ModelVersion

_FIGURES = {
    "n": 412,
    "accuracy": 0.9,
    "accuracy_lower": 0.866,
    "accuracy_upper": 0.927,
    "coverage_at_95": 0.75,
    "coverage_at_95_lower": 0.712,
    "accepted_95": 309,
    "accepted_accuracy_95": 0.98,
    "accepted_accuracy_95_lower": 0.961,
}
_TEXT = {
    "temperature": 1.2,
    "n": 900,
    "n_effective": 640.4,
    "confidence": 0.95,
    "scope": "guarded",
    "correlation": {"95": 0.1},
    "overall": {"95": 0.8},
    "parent": {"95": 0.7},
    "levels": {"1": {"95": 0.7}},
    "by_category": {"boots": {"95": 0.8, "n": 500}, "mugs": {"95": None, "n": 400}},
    "by_parent": {"shoes": {"95": 0.7, "n": 900}},
}
LINEAGE = {
    "model_digest": "c0ffee",
    "pushed": "2026-01-02T03:04:05+00:00",
    "categories": 2,
    "splits": {"train": 90, "eval": 10},
    "products": {"train": 3708},
    "metrics": {"text": {"eval": _FIGURES}},
    "thresholds": {"text": {"version": 2, "evidence": "cross_fitted", **_TEXT}},
    "backbone": "efficientnet_lite0",
    "encoder": {"name": "minilm", "licence": "Apache-2.0"},
    "serving_cost": {"milliseconds_alone": 12.54, "model_bytes": 20_000_000},
}


def _card(**changed) -> str:
    return model_card("products", ModelVersion(3, "serving/products/3", {**LINEAGE, **changed}))


def _rows(card: str, section: str) -> list[list[str]]:
    """The cells of the table in a section, without its head."""
    lines = card.split(f"## {section}\n")[1].split("\n## ")[0].splitlines()
    tables = [line for line in lines if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in tables[2:]]


def test_figures_are_given_with_n_and_intervals():
    assert _rows(_card(), "Figures") == [
        [
            "text only",
            "412",
            "90.0 % (86.6 % to 92.7 %)",
            "75.0 % (at least 71.2 %)",
            "98.0 % (at least 96.1 %), n = 309",
        ]
    ]


def test_the_number_of_products_is_given_where_the_lineage_has_it():
    assert ["products", "train 3,708"] in _rows(_card(), "Data")
    assert all(name != "products" for name, _ in _rows(_card(products=None), "Data"))


def test_the_guarantee_names_its_evidence_and_the_categories_that_are_accepted():
    (row,) = _rows(_card(), "Thresholds and guarantee")
    assert row == ["text only", "900", "640", "95%", "guarded", "cross-fitted", "1 of 2"]


def test_licences_are_those_of_the_registry_or_of_the_lineage():
    backbone, encoder = _rows(_card(), "Weights and licences")
    assert (backbone[1], backbone[3]) == ("efficientnet\\_lite0", "Apache-2.0")
    assert (encoder[1], encoder[3]) == ("minilm", "Apache-2.0")
    own = {"image": {"backbone_weights": "weights.h5"}}
    (backbone, _) = _rows(_card(training=own), "Weights and licences")
    assert backbone[2:] == ["a file of the site", "not recorded"]
    own = {"text": {"encoder_weights": "minilm"}}
    site = {"name": "minilm", "licence": ""}
    (_, encoder) = _rows(_card(training=own, encoder=site), "Weights and licences")
    assert encoder[2:] == ["a file of the site", "not recorded"]
    (_, encoder) = _rows(_card(encoder={**site, "fine_tuned": "1f"}), "Weights and licences")
    assert encoder[2].endswith(", fine-tuned on the shop's titles")


def test_the_cost_to_serve_is_left_out_where_it_was_not_measured():
    assert ["ms a product, alone", "12.5"] in _rows(_card(), "Cost to serve")
    assert "## Cost to serve" not in _card(serving_cost=None)


def test_a_card_of_a_version_without_lineage_has_every_other_section():
    card = model_card("products", ModelVersion(1, "serving/products/1", {}))
    for section in ("Intended use", "Data", "Figures", "Limits", "Weights and licences"):
        assert f"## {section}\n" in card
    assert "The lineage holds no figures." in card


def test_texts_of_the_lineage_cannot_become_markup():
    hostile = "Ada\n# Heading | <script>alert(1)</script> [x](http://example.com) `code`"
    card = _card(approved_by=hostile, approved_despite=[hostile])
    assert "<script>" not in card
    assert "\n# Heading" not in card
    assert "\\[x\\]" in card
    assert "\\|" in card


def test_a_target_that_accepts_nothing_is_among_the_limits():
    nothing = {**_TEXT, "by_category": {"boots": {"95": None, "n": 900}}}
    card = _card(thresholds={"text": {"version": 2, "evidence": "cross_fitted", **nothing}})
    assert "- At 95 % nothing is accepted from text only." in card
