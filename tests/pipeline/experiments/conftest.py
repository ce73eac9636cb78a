"""Runs as their components leave them: an evaluation, a summary of the ingest, a tree."""

import dataclasses
from datetime import datetime, timezone
from pathlib import Path

import pandas as pd
import pytest

from components.evaluator.artifact import Metrics, predictions_file
from components.manifest_example_gen.artifact import Ingestion, write_taxonomy
from pipeline.experiments.runs import Run
from shelfsort.products.groups import group_id, group_key
from shelfsort.products.taxonomy import Taxonomy

TREE = {"Bags": ["Backpacks", "Clutches"], "Shoes": ["Sandals", "Boots"]}


@dataclasses.dataclass(frozen=True)
class Product:
    """One product and what a model said of it in mode combined."""

    id: str
    label: str
    predicted: str
    decided: bool = True
    title: str = ""
    split: str = "eval"
    score: float = 0.9


def tree_nodes(tree: dict[str, list[str]]) -> list[dict]:
    """Nodes in the taxonomy file's form; ids are names."""
    nodes = [{"id": "Main", "name": "Main", "subcategories": list(tree)}]
    for shelf, leaves in tree.items():
        nodes.append({"id": shelf, "name": shelf, "subcategories": leaves, "parent": "Main"})
        nodes += [{"id": x, "name": x, "subcategories": [], "parent": shelf} for x in leaves]
    return nodes


def _rows(products: list[Product], tree: dict[str, list[str]]) -> pd.DataFrame:
    parents = {leaf: shelf for shelf, leaves in tree.items() for leaf in leaves}
    return pd.DataFrame(
        [
            {
                "model": "candidate",
                "mode": "combined",
                "split": product.split,
                "product_id": product.id,
                "group": group_id(group_key(product.title or product.id, b"", "")),
                "category": product.label,
                "predicted": product.predicted,
                "predicted_parent": parents[product.predicted],
                "accepted_95": product.decided,
                "accepted_98": False,
                "score": product.score,
            }
            for product in products
        ]
    )


@pytest.fixture
def make_run(tmp_path):
    """Writes one run's artifacts; gives the `Run` that the metadata store would."""

    def make(name: str, products: list[Product], tree=TREE, hour: int = 8, **settings) -> Run:
        folder = Path(tmp_path) / name
        rows = _rows(products, tree)
        counts = rows[rows.split == "eval"].category.value_counts().to_dict()
        ingestion = Ingestion(len(rows) + 1, len(rows), rejected=1, categories=counts)
        right = (rows.category == rows.predicted).mean()
        metrics = Metrics({"combined": {"eval": {"n": len(rows), "accuracy": float(right)}}})
        ingestion.write(folder / "rejects")
        write_taxonomy(folder / "taxonomy", Taxonomy.from_nodes(tree_nodes(tree)))
        metrics.write(folder / "evaluation")
        rows.to_parquet(predictions_file(folder / "evaluation"))
        parts = {part: folder / part for part in ("rejects", "taxonomy", "evaluation")}
        started = datetime(2026, 3, 3, hour, tzinfo=timezone.utc)
        return Run(name, started, "pushed", "1", metrics, settings, parts)

    return make
