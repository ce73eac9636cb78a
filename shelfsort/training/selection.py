"""Weights that make up for how products were chosen to be labelled.

Of the products that a model decides alone, people look at few; of those that it leaves to people,
at all. A label of the first kind stands for many products. It has the weight of the inverse of its
probability to be chosen (Horvitz & Thompson, "A generalization of sampling without replacement from
a finite universe", JASA 1952), up to a limit: a rare one would outweigh all others.
"""

import numpy as np

UNKNOWN = 0.0
"""Stands for a probability that is not known."""


def selection_weights(probabilities: np.ndarray, most: float) -> np.ndarray:
    """Factors of the products' weights in training.

    Args:
        probabilities: (n,) floats in [0, 1] with which the products were chosen; `UNKNOWN` where
            that is not known.
        most: limit of an inverse probability, at least 1; with 1 all factors are 1.

    Returns:
        (n,) float32. They are 1 where the probability is not known, and 1 on average elsewhere.
    """
    factors = np.ones(len(probabilities), np.float32)
    known = probabilities > UNKNOWN
    if most > 1 and known.any():
        inverse = np.minimum(1 / probabilities[known], most)
        factors[known] = inverse / inverse.mean()
    return factors


def in_words(probabilities: np.ndarray | None, most: float) -> str:
    """What `selection_weights` does to these products, "" where it is turned off."""
    if most <= 1:
        return ""
    known = np.zeros(0) if probabilities is None else probabilities[probabilities > UNKNOWN]
    if not len(known):
        return "no product says how likely it was chosen, so max_selection_weight changes nothing"
    factors = selection_weights(known, most)
    return (
        f"{len(known):,} products weighted by how likely they were chosen, by "
        f"{factors.min():.2g} to {factors.max():.2g}"
    )
