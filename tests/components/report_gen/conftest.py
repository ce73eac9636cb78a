"""One run's artifacts as the Evaluator and ManifestExampleGen write them, made from a seed."""

import dataclasses
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw
from scipy.stats import beta

from components.blessing import INFRA_BLESSING, MODEL_BLESSING
from components.check import Check
from components.drift_check.artifact import (
    CategoryChanges,
    Drift,
    DriftFindings,
    ShareChange,
    Shift,
    Skew,
)
from components.evaluator.artifact import (
    Categories,
    CategoryFigures,
    Comparison,
    CoverageOutcome,
    Metrics,
    Outcome,
    Verdict,
    category_names,
    predictions_file,
)
from components.manifest_example_gen.artifact import (
    Ingestion,
    Labels,
    write_rejects,
    write_taxonomy,
)
from components.report_gen.content import ReportInputs
from components.report_gen.explanations import Explained, Explanation, Sides, Term
from components.report_gen.sections import ReportContent
from shelfsort.contract.calibration import Calibration
from shelfsort.contract.targets import target_of
from shelfsort.products.manifest.rejects import Reject
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.training.neighbours import Neighbour
from tests.fixtures.serving_cost import COST

SHELVES = {
    "Bags": ["Backpacks", "Handbags", "Clutches", "Laptop bags"],
    "Clothes": ["Shirts", "T-shirts", "Jeans", "Dresses", "Bras"],
    "Shoes": ["Sandals", "Flip flops", "Sneakers"],
}
HOSTILE = '</script><img src=x onerror="window.hacked=1">\u2028{{ 7*7 }}\x1b[31m\u202e'
COMPARISON = Comparison(
    version="3",
    shared_categories=None,
    left_out=2,
    accuracy=Outcome(900, 0.9, 0.904, 5, 9, 0.031),
    coverage=CoverageOutcome(900, 0.9, 0.899, 5, 4, 0.4, low=-0.012, high=0.008),
    by_category={},
)
THRESHOLDS = {"95": 0.66, "98": 0.89}


def nodes_of(shelves: dict[str, list[str]]) -> list[dict]:
    """The tree's nodes in their input form; a leaf's id is `shelf/leaf`."""
    nodes = [{"id": "main", "name": "Main", "subcategories": list(shelves)}]
    for shelf, leaves in shelves.items():
        children = [f"{shelf}/{leaf}" for leaf in leaves]
        nodes.append({"id": shelf, "name": shelf, "subcategories": children, "parent": "main"})
        nodes += [
            {"id": f"{shelf}/{leaf}", "name": leaf, "subcategories": [], "parent": shelf}
            for leaf in leaves
        ]
    return nodes


def predictions_of(
    taxonomy: Taxonomy,
    n: int,
    seed: int,
    model: str = "candidate",
    mode: str = "combined",
    thresholds: Mapping[str, float] = THRESHOLDS,
) -> pd.DataFrame:
    """`n` eval predictions: the same products for every model and mode, scores of their own."""
    leaves = np.array(taxonomy.leaves)
    parents = {leaf: taxonomy.parent_or_self(leaf) for leaf in leaves}
    products = np.random.default_rng(11)
    category = products.choice(leaves, n)
    rng = np.random.default_rng(seed)
    score = np.sort(rng.beta(8, 0.45, n))[rng.permutation(n)].astype(np.float32)
    siblings = {
        leaf: [other for other in leaves if parents[other] == parents[leaf]] for leaf in leaves
    }
    guess = np.array([rng.choice(siblings[c] if rng.random() < 0.8 else leaves) for c in category])
    predicted = np.where(rng.random(n) < score, category, guess)
    parent_score = np.minimum(1, score + rng.random(n).astype(np.float32) * (1 - score) * 0.8)
    lowest = next(iter(thresholds.values()))
    shelf = np.where(parent_score >= 0.9, [parents[p] for p in predicted], "")
    titles = [f"Product {i} of {c.split('/')[-1].lower()}" for i, c in enumerate(category)]
    return pd.DataFrame(
        {
            "model": model,
            "mode": mode,
            "split": "eval",
            "product_id": [f"p{i:05d}" for i in range(n)],
            "title": titles,
            "group": np.arange(n),
            "category": category,
            "gold": np.where(products.random(n) < 0.02, predicted, category),
            "parent": [parents[c] for c in category],
            "predicted": predicted,
            "score": score,
            **{f"accepted_{key}": score >= each for key, each in thresholds.items()},
            "answer": np.where(score >= lowest, predicted, shelf),
            "answer_level": np.where(score >= lowest, 2, 0),
            "predicted_parent": [parents[p] for p in predicted],
            "parent_score": parent_score,
            **{
                f"parent_accepted_{key}": parent_score >= 0.55 + 0.15 * place
                for place, key in enumerate(thresholds)
            },
            "top_categories": [list(leaves[:2])] * n,
            "top_scores": [[0.6, 0.2]] * n,
            "label_confidence": products.choice([1.0, 2 / 3], n, p=[0.8, 0.2]),
            "has_text": True,
            "has_image": True,
        }
    )


def one_sided(k: int, n: int) -> float | None:
    """The lower bound as scipy's beta quantile gives it."""
    return None if n == 0 else float(beta.ppf(0.05, k, n - k + 1)) if k else 0.0


def figures_of(rows: pd.DataFrame, keys: Iterable[str] = THRESHOLDS) -> dict:
    """One mode's entry of metrics.json for one split."""
    right = rows.predicted == rows.category
    figures = {
        "n": len(rows),
        "accuracy": float(right.mean()),
        "macro_f1": float(right.mean()) - 0.01,
        "parent_accuracy": float((rows.predicted_parent == rows.parent).mean()),
        "ece": 0.021,
    }
    for target in keys:
        accepted = rows[f"accepted_{target}"]
        k, n = int((right & accepted).sum()), int(accepted.sum())
        figures[f"coverage_at_{target}"] = float(accepted.mean())
        figures[f"parent_coverage_at_{target}"] = float(rows[f"parent_accepted_{target}"].mean())
        figures[f"accepted_accuracy_{target}"] = k / n if n else None
        figures[f"accepted_accuracy_{target}_lower"] = one_sided(k, n)
    return figures


def category_figures(
    taxonomy: Taxonomy,
    rows: pd.DataFrame,
    live: pd.DataFrame | None,
    thresholds: Mapping[str, float] = THRESHOLDS,
) -> list[CategoryFigures]:
    """By category; the last leaf has too few calibration products and abstains."""
    found, key = [], next(iter(thresholds))
    names = category_names([target_of(each) for each in thresholds])
    decided = f"accepted_{key}"
    for position, leaf in enumerate(taxonomy.leaves):
        own = rows[rows.category == leaf]
        right = own.predicted == own.category
        accepted = own[decided].astype(bool)
        filed = rows[(rows.predicted == leaf) & rows[decided]]
        k, n = int((filed.category == leaf).sum()), len(filed)
        theirs = None if live is None else live[live.category == leaf]
        abstains = position == len(taxonomy.leaves) - 1
        files_none = abstains or not n
        figures = {
            "n": len(own),
            "accuracy": float(right.mean()) if len(own) else None,
            "accuracy_lower": one_sided(int(right.sum()), len(own)),
            f"coverage_at_{key}": 0.0 if abstains or not len(own) else float(accepted.mean()),
            f"accepted_{key}": 0 if abstains else n,
            f"accepted_accuracy_{key}": None if files_none else k / n,
            f"accepted_accuracy_{key}_lower": None if files_none else one_sided(k, n),
            f"accepted_accuracy_{key}_upper": None if files_none else min(1.0, k / n + 0.02),
            f"false_accepts_{key}": 0 if abstains else n - k,
            f"false_accept_rate_{key}": 0.0 if abstains else (n - k) / (len(rows) - len(own)),
            "precision": 0.9,
            "f1": 0.9,
            f"threshold_{key}": None if abstains else thresholds[key],
            "calibration_n": 7 if abstains else 80,
        }
        before = theirs is not None and {
            "n": len(theirs),
            "accuracy": float((theirs.predicted == theirs.category).mean()),
            f"coverage_at_{key}": float(theirs[decided].mean()),
            f"accepted_accuracy_{key}": 0.95,
        }
        found.append(
            CategoryFigures(
                leaf,
                taxonomy.path(leaf),
                taxonomy.parent_or_self(leaf),
                dict.fromkeys(names) | figures,
                before or None,
            )
        )
    return found


def drift_of(taxonomy: Taxonomy) -> DriftFindings:
    """Prices and one category have drifted, another category is new; requests lack pictures."""
    gone, *kept, new = taxonomy.leaves
    steady = [ShareChange(leaf, 100, 101, 0.09, 0.095, 1.0, False) for leaf in kept]
    lost = ShareChange(gone, 88, 0, 0.08, 0.0, 1e-12, True)
    shifts = [
        Shift("price", 0.9741, 0.0547, 1_190, 1_111, True),
        Shift("title_words", 0.0049, 0.0253, 9_100, 8_700, False),
    ]
    pictures = Shift("has_picture", 0.3113, 0.0524, 1_111, 700, True)
    categories = CategoryChanges(2.0, [*steady, lost], [new], ["hats"])
    return DriftFindings(
        "3", Drift(1_190, 1_111, shifts, categories), skew=Skew(700, 1_111, 4, [pictures])
    )


def make_inputs(n: int = 900, live: bool = True, blessed: bool = True, **changed) -> ReportInputs:
    """A whole run: three modes, a live model, rejects, anomalies and lineage."""
    taxonomy = Taxonomy.from_nodes(nodes_of(changed.pop("shelves", SHELVES)))
    limits = changed.pop("thresholds", THRESHOLDS)
    modes = {
        mode: predictions_of(taxonomy, n, seed, mode=mode, thresholds=limits)
        for seed, mode in enumerate(("combined", "text", "image"))
    }
    first, last = taxonomy.leaves[0], taxonomy.leaves[-1]
    hostile = {"title": HOSTILE, "category": first, "predicted": last, "score": 0.9999}
    modes["combined"].loc[0, list(hostile)] = list(hostile.values())
    theirs = predictions_of(taxonomy, n, 77, model="live", thresholds=limits) if live else None
    modalities = {
        mode: {
            "eval": figures_of(rows, limits),
            "calibration": figures_of(rows.head(n // 2), limits),
        }
        for mode, rows in modes.items()
    }
    modalities["combined"]["eval_gold"] = figures_of(modes["combined"].head(n // 2), limits)
    parent_limits = {key: None if place else 0.9 for place, key in enumerate(limits)}
    thresholds = {
        mode: {
            "temperature": 1.3,
            "n": n,
            "confidence": 0.95,
            "scope": "overall",
            "overall": limits,
            "parent": {key: 0.55 + 0.15 * place for place, key in enumerate(limits)},
            "by_category": {},
            "by_parent": {
                **{taxonomy.parent_or_self(x): {**parent_limits, "n": 80} for x in taxonomy.leaves},
                first: {**parent_limits, "n": 80},
            },
        }
        for mode in modes
    }
    theirs_on_eval = None if theirs is None else figures_of(theirs, limits)
    metrics = Metrics(modalities, theirs_on_eval, Calibration.from_json(thresholds))
    floor = "Of what is decided at 95 %, at least 94.1 % is right; the floor is 93 %."
    checks = (
        Check("accepted_accuracy_95", blessed, floor, 0.941, 0.93, n),
        Check("coverage_at_95", True, "91 % are decided; the floor is 60 %.", 0.91, 0.6, n),
        Check("schema", True, "The data fits the schema."),
    )
    compared = dataclasses.replace(COMPARISON, target=target_of(next(iter(limits))))
    given = {
        "verdict": Verdict(blessed, checks, compared if live else None),
        "metrics": metrics,
        "categories": category_figures(taxonomy, modes["combined"], theirs, limits),
        "predictions": pd.concat([*modes.values(), *([theirs] if live else [])]),
        "taxonomy": taxonomy,
        "ingestion": Ingestion(
            lines=n * 10 + 5,
            accepted=n * 10,
            rejected=5,
            by_reason={"unknown_label": 3, "missing_image": 2},
            reduction={"Bags/Satchels": "Bags/Handbags"},
            labels=Labels(workers=40, answers=n * 30, products_with_workers=n * 10),
        ),
        "rejects": [
            Reject(line, f"r{line}", reason, f"<b>{reason}</b> at line {line}", "images/r.jpg")
            for line, reason in enumerate(["unknown_label"] * 3 + ["missing_image"] * 2, 17)
        ],
        "model_name": "shelves",
        "title": "Fashion, autumn",
        "lineage": {
            "model_digest": "9c1d5b0a77e2",
            "manifest_digest": "f00dfeed0123",
            "taxonomy_version": taxonomy.version,
            "threshold_version": "7be1",
            "backbone": "efficientnet_lite0",
            "categories": len(taxonomy.leaves),
            "git_commit": "3f2a91c",
            "created": "2026-03-02T10:15:00Z",
        },
        "anomalies": [],
        "drift": drift_of(taxonomy),
        "serving_check": True,
        "serving_cost": COST,
        "model_blessing": blessed,
        "price_per_answer": 0.012,
    }
    return ReportInputs(**{**given, **changed})


def explained_of(content: ReportContent) -> Explained:
    """The first error and the first suspect explained: neighbours are t1, hostile, and t2."""
    error = content.errors[0]
    near = (Neighbour("t1", error.category, 0.91), Neighbour("t2", error.predicted, 0.5))
    why = Explanation(
        alone={"text": Sides(0.999996, 0.000001), "image": Sides(0.25, None)},
        for_predicted=(Term("word", HOSTILE, 2.5), Term("price", "", 0.4)),
        for_label=(),
        nearest=near,
    )
    suspects = {each.product_id: near[1:] for each in content.suspects[:1]}
    return Explained({error.product_id: why}, suspects, {"t1": HOSTILE})


def picture(seed: int, size: tuple[int, int] = (60, 80)) -> bytes:
    """A small JPEG that looks different for every seed."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", size, tuple(rng.integers(200, 255, 3)))
    draw = ImageDraw.Draw(image)
    for _ in range(4):
        x, y = rng.integers(0, size[0] - 20), rng.integers(0, size[1] - 20)
        draw.ellipse([x, y, x + 24, y + 30], fill=tuple(rng.integers(0, 200, 3)))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return out.getvalue()


def write_artifacts(folder: Path, inputs: ReportInputs) -> dict[str, str]:
    """Writes the run as its components would; gives each artifact's URI by its input's name."""
    import tensorflow as tf
    from tensorflow_metadata.proto.v0 import anomalies_pb2

    def write(path: str, content: str | bytes) -> None:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)

    for document in (inputs.verdict, inputs.metrics, Categories(tuple(inputs.categories))):
        document.write(folder / "evaluation")
    calibration = inputs.predictions.head(5).assign(split="calibration")
    inputs_and_more = pd.concat([inputs.predictions, calibration])
    inputs_and_more.to_parquet(predictions_file(folder / "evaluation"))
    write_taxonomy(folder / "taxonomy", inputs.taxonomy)
    inputs.ingestion.write(folder / "rejects")
    write_rejects(folder / "rejects", inputs.rejects)
    write("model/Format-Serving/assets.extra/shelfsort.json", json.dumps(inputs.lineage))
    MODEL_BLESSING.write(str(folder / "blessing"), bool(inputs.model_blessing))
    INFRA_BLESSING.write(str(folder / "infra"), bool(inputs.serving_check))
    diff = anomalies_pb2.Anomalies()
    if inputs.anomalies:
        diff.anomaly_info["price"].short_description = inputs.anomalies[0].summary
        diff.anomaly_info["price"].severity = anomalies_pb2.AnomalyInfo.ERROR
    write("anomalies/Split-eval/SchemaDiff.pb", diff.SerializeToString())
    if inputs.drift:
        inputs.drift.write(folder / "drift")
    ids = inputs.predictions[
        (inputs.predictions.model == "candidate") & (inputs.predictions["mode"] == "combined")
    ].product_id
    (folder / "examples/Split-eval").mkdir(parents=True)
    path = str(folder / "examples/Split-eval/data-00000-of-00001.gz")
    with tf.io.TFRecordWriter(path, "GZIP") as writer:
        for seed, product_id in enumerate(ids):
            image = b"" if seed % 7 == 3 else b"no picture" if seed % 7 == 4 else picture(seed)
            example = tf.train.Example()
            example.features.feature["product_id"].bytes_list.value.append(product_id.encode())
            example.features.feature["image"].bytes_list.value.append(image)
            writer.write(example.SerializeToString())
    named = {"model_blessing": "blessing", "infra_blessing": "infra"}
    inputs_of_component = (
        "examples", "rejects", "taxonomy", "evaluation", "model", "anomalies", "drift", *named,
    )  # fmt: skip
    return {name: str(folder / named.get(name, name)) for name in inputs_of_component}


@pytest.fixture
def run_inputs():
    """The factory of a whole run's parsed artifacts."""
    return make_inputs


@pytest.fixture
def run_artifacts():
    """Writes a run's artifacts into a folder."""
    return write_artifacts


@pytest.fixture
def some_picture() -> bytes:
    """One small JPEG."""
    return picture(1)


@pytest.fixture
def explanations():
    """Explains the first error and the first suspect of a page."""
    return explained_of
