"""Cross-fitted answers of training products, as they are kept for a later look."""

import io
import json

import numpy as np

from shelfsort.training.dataset import Products
from shelfsort.training.fitting import CrossFit
from shelfsort.training.label_space import LabelSpace
from shelfsort.training.rows import evenly

_KEPT = 20_000


def held_out_archive(train: Products, crossed: CrossFit, labels: LabelSpace) -> bytes:
    """Cross-fitted logits of the training split, of a sample at most, in NumPy's compressed form.

    Args:
        train: the training split.
        crossed: its cross-fit.
        labels: the categories.
    """
    rows = evenly(np.arange(len(train)), _KEPT)
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        product_ids=np.array([train.product_ids[row] for row in rows.tolist()], "U"),
        labels=train.labels[rows],
        label_weights=train.label_weights[rows],
        has_text=train.has_text[rows],
        has_image=train.has_image[rows],
        groups=train.groups[rows],
        folds=crossed.folds[rows],
        evidence=train.evidence[rows],
        categories=np.array(labels.categories, "U"),
        fusion=np.array(json.dumps(crossed.fusion.to_lists())),
        fusions=np.array(json.dumps({k: each.to_lists() for k, each in crossed.fusions.items()})),
        **{name: logits[rows] for name, logits in crossed.held_out.items()},
    )
    return buffer.getvalue()
