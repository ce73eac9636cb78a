"""Whose answer to ask for."""

from collections.abc import Mapping, Sequence, Set
from math import ceil


def assign(
    wanted: Sequence[tuple[str, int]],
    skills: Mapping[str, float],
    answered: Mapping[str, Set[str]],
) -> dict[str, list[str]]:
    """Workers for each product: the most urgent products go to the most skilled.

    Nobody gets a product twice, nor more than an equal part of all answers.

    Args:
        wanted: products and the number of answers, the most urgent first.
        skills: of the workers who may be asked.
        answered: who has answered about a product.

    Returns:
        The workers by product; fewer than wanted where too few are left.
    """
    if not skills:
        return {product: [] for product, _ in wanted}
    ranked = sorted(skills, key=lambda name: (-skills[name], name))
    room = dict.fromkeys(ranked, ceil(sum(n for _, n in wanted) / len(ranked)))
    found: dict[str, list[str]] = {}
    for product, n in wanted:
        before = answered.get(product, frozenset())
        free = [name for name in ranked if room[name] and name not in before][:n]
        for name in free:
            room[name] -= 1
        found[product] = free
    return found
