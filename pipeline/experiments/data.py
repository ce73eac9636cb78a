"""What two runs were made from: products, labels, categories."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from components.evaluator.artifact import HELD_OUT_SPLIT
from components.manifest_example_gen.artifact import Ingestion, read_taxonomy
from pipeline.experiments.runs import Run
from shelfsort.products.taxonomy import Taxonomy

_INGEST = ("data.", "code.ManifestExampleGen")
SHOWN = 5


@dataclass(frozen=True)
class Products:
    """Products that the final model never saw (by a hash, so a fair sample).

    `moved` are in both runs but in another split; `relabelled` are (id, label in A, label in B).
    """

    shared: int
    only_a: int
    only_b: int
    moved: int
    relabelled: list[tuple[str, str, str]]


@dataclass(frozen=True)
class DataDifference:
    """What the data of two runs has in common.

    Attributes:
        same: whether manifest, pictures, tree, ingest settings and ingest code are the same.
        lines: accepted and rejected lines by run, as (accepted, rejected); None where not known.
        categories_added, categories_removed: paths of leaves that only B, only A has.
        moved_most: (path, products in A, in B) of the categories whose size differs most.
        products: None where a run has no scored products.
    """

    same: bool
    lines: tuple[tuple[int, int] | None, tuple[int, int] | None]
    categories_added: list[str]
    categories_removed: list[str]
    moved_most: list[tuple[str, int, int]]
    products: Products | None


def data_difference(
    a: Run, b: Run, scored_a: pd.DataFrame | None, scored_b: pd.DataFrame | None
) -> DataDifference:
    """Compares what went into two runs; says what it can where a run broke off."""
    ingested_a, ingested_b = (_ingestion(run) for run in (a, b))
    paths_a, paths_b = (_leaf_paths(run) for run in (a, b))
    both = paths_a is not None and paths_b is not None
    return DataDifference(
        same=_ingest_settings(a) == _ingest_settings(b) != {},
        lines=(_lines(ingested_a), _lines(ingested_b)),
        categories_added=sorted(paths_b - paths_a) if both else [],
        categories_removed=sorted(paths_a - paths_b) if both else [],
        moved_most=_moved_most(_sizes(ingested_a), _sizes(ingested_b)),
        products=None if scored_a is None or scored_b is None else _products(scored_a, scored_b),
    )


def taxonomy_of(run: Run) -> Taxonomy | None:
    """The tree that a run's products were labelled with; None where it did not get so far."""
    folder = run.artifacts.get("taxonomy")
    return read_taxonomy(folder) if folder and folder.is_dir() else None


def _ingest_settings(run: Run) -> dict[str, Any]:
    return {name: value for name, value in run.settings.items() if name.startswith(_INGEST)}


def _ingestion(run: Run) -> Ingestion | None:
    folder = run.artifacts.get("rejects")
    return Ingestion.find(folder) if folder else None


def _leaf_paths(run: Run) -> set[str] | None:
    tree = taxonomy_of(run)
    return tree and {tree.path(leaf) for leaf in tree.leaves}


def _lines(ingestion: Ingestion | None) -> tuple[int, int] | None:
    return (ingestion.accepted, ingestion.rejected) if ingestion else None


def _sizes(ingestion: Ingestion | None) -> Mapping[str, int]:
    return ingestion.categories if ingestion else {}


def _moved_most(a: Mapping[str, int], b: Mapping[str, int]) -> list[tuple[str, int, int]]:
    if not a or not b:
        return []
    sizes = [(name, a.get(name, 0), b.get(name, 0)) for name in sorted(a.keys() | b.keys())]
    moved = [each for each in sizes if each[1] != each[2]]
    return sorted(moved, key=lambda each: -abs(each[1] - each[2]))[:SHOWN]


def _products(scored_a: pd.DataFrame, scored_b: pd.DataFrame) -> Products:
    a, b = (_held_out(scored) for scored in (scored_a, scored_b))
    both = a.join(b, how="inner", lsuffix="_a", rsuffix="_b")
    changed = both[both.category_a != both.category_b]
    return Products(
        shared=len(both),
        only_a=len(a) - len(both),
        only_b=len(b) - len(both),
        moved=int((both.split_a != both.split_b).sum()),
        relabelled=list(zip(changed.index, changed.category_a, changed.category_b, strict=True)),
    )


def _held_out(scored: pd.DataFrame) -> pd.DataFrame:
    rows = scored[(scored["mode"] == "combined") & (scored.split != HELD_OUT_SPLIT)]
    return rows.set_index("product_id")[["split", "category"]]
