"""Pictures that the second check of near-duplicates found to be the same."""

from collections.abc import Iterable


class Alike:
    """Joins pictures that are the same, also over a third one, and names one of them for all."""

    def __init__(self, pairs: Iterable[tuple[str, str]]):
        """`pairs` has digests of two pictures that are the same."""
        self._to: dict[str, str] = {}
        for one, other in pairs:
            roots = sorted((self.one_of(one), self.one_of(other)))
            if roots[0] != roots[1]:
                self._to[roots[1]] = roots[0]

    def one_of(self, digest: str) -> str:
        """The digest that stands for all pictures that are the same as this one."""
        root = digest
        while root in self._to:
            root = self._to[root]
        # Shorter ways for the next question.
        while digest != root:
            following = self._to[digest]
            self._to[digest] = root
            digest = following
        return root
