"""Do two models differ on the same products by more than chance? An exact test that knows groups.

Two models answer the same products; d is +1 where only the second is right, -1 where only the
first is, 0 elsewhere. Were the models equally good, each d could as well have the other sign, so
the sum is compared with the sums of all assignments of signs (Fisher's randomisation test, "The
Design of Experiments", 1935, section 21). With one product a group this is McNemar's test (1947)
in its exact form. Variants of one product tend to be right or wrong together and are not
independent evidence: their sum gets one sign.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln, ndtri


@dataclass(frozen=True)
class Paired:
    """A yes-or-no outcome of two models, A and B, on the same products.

    Attributes:
        n: products compared.
        yes_a, yes_b: products with a yes of the model.
        only_a, only_b: products with a yes of this model only.
        by_group: int array of shape (groups,), the sum of B's yes less A's in each group.
    """

    n: int
    yes_a: int
    yes_b: int
    only_a: int
    only_b: int
    by_group: np.ndarray = field(repr=False, compare=False)

    @classmethod
    def of(cls, yes_a: ArrayLike, yes_b: ArrayLike, groups: ArrayLike) -> "Paired":
        """Counts two bool arrays of shape (N,) in the same order.

        Args:
            yes_a, yes_b: the models' outcomes.
            groups: array of shape (N,), equal for variants of one product.
        """
        a, b = (np.asarray(yes, bool) for yes in (yes_a, yes_b))
        return cls(
            n=len(a),
            yes_a=int(a.sum()),
            yes_b=int(b.sum()),
            only_a=int((a & ~b).sum()),
            only_b=int((b & ~a).sum()),
            by_group=summed_by_group(b.astype(int) - a.astype(int), groups),
        )

    @property
    def share_a(self) -> float | None:
        """Share of yes by A; None for n = 0."""
        return self.yes_a / self.n if self.n else None

    @property
    def share_b(self) -> float | None:
        """Share of yes by B; None for n = 0."""
        return self.yes_b / self.n if self.n else None

    @property
    def both(self) -> int:
        """Products with a yes of both."""
        return self.yes_a - self.only_a

    @property
    def neither(self) -> int:
        """Products without a yes."""
        return self.n - self.yes_b - self.only_a

    @property
    def p(self) -> float:
        """Chance of a difference this large in either direction if the two were equally good."""
        return sign_flip_p_value(self.by_group)

    @property
    def p_b_worse(self) -> float:
        """Chance of a loss this large if B were no worse."""
        return sign_flip_p_value(-self.by_group, "greater")

    @property
    def p_products(self) -> float:
        """`p` with every product a group of its own: McNemar's exact test."""
        return sign_flip_p_value(np.repeat([-1, 1], [self.only_a, self.only_b]))


def sign_flip_p_value(
    differences: ArrayLike, alternative: Literal["two-sided", "greater"] = "two-sided"
) -> float:
    """Chance of a sum as far from 0, or as great, as that of `differences` if coins gave the signs.

    Args:
        differences: int array of shape (G,), one entry a product or the sum of a group.
        alternative: as far from 0 in either direction, or as great.

    Returns:
        The exact p value; 1.0 where nothing differs.
    """
    differences = np.asarray(differences, np.int64)
    sizes, counts = np.unique(np.abs(differences[differences != 0]), return_counts=True)
    if not len(sizes):
        return 1.0
    chances = np.ones(1)
    for size, count in zip(sizes, counts, strict=True):
        chances = np.convolve(chances, _positive_sum(int(size), int(count)))
    total, found = int((sizes * counts).sum()), int(differences.sum())
    sums = 2 * np.arange(total + 1) - total
    extreme = sums >= found if alternative == "greater" else np.abs(sums) >= abs(found)
    return min(1.0, float(chances[extreme].sum()))


def difference_interval(
    n: int, only_a: int, only_b: int, level: float = 0.95
) -> tuple[float, float]:
    """Interval of B's share of yes less A's, on the same products.

    Bonett & Price, "Adjusted Wald confidence interval for a difference of binomial proportions
    based on paired data", Journal of Educational and Behavioral Statistics 2012.

    Args:
        n: products compared.
        only_a, only_b: products with a yes of this model only.
        level: in (0, 1).

    Returns:
        Lower and upper end in [-1, 1]; both ends of that range for n = 0.
    """
    if not n:
        return -1.0, 1.0
    lost, won = (only_a + 1) / (n + 2), (only_b + 1) / (n + 2)
    middle, factor = won - lost, float(ndtri(0.5 + level / 2))
    half = factor * float(np.sqrt((won + lost - middle**2) / (n + 2)))
    return max(-1.0, middle - half), min(1.0, middle + half)


def summed_by_group(values: ArrayLike, groups: ArrayLike) -> np.ndarray:
    """The sum of `values`, of shape (N,), for each different entry of `groups`, of shape (N,)."""
    _, place = np.unique(np.asarray(groups), return_inverse=True)
    return np.bincount(place, weights=np.asarray(values, float)).astype(np.int64)


def _positive_sum(size: int, count: int) -> np.ndarray:
    """Chances that those of `count` groups of one size with a plus add up to 0, 1, ..."""
    heads = np.arange(count + 1)
    ways = gammaln(count + 1) - gammaln(heads + 1) - gammaln(count - heads + 1)
    chances = np.zeros(size * count + 1)
    chances[::size] = np.exp(ways - count * np.log(2))
    return chances
