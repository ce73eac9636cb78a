"""The review of a results database: its queue, tree, pictures and people, put together."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.types import ASGIApp

from shelfsort.core.errors import InputError
from shelfsort.core.storage import absolute
from shelfsort.decisions.database.opening import open_database
from shelfsort.decisions.review.queue.policy import Policy
from shelfsort.decisions.review.queue.service import ReviewQueue
from shelfsort.decisions.review.web.app import ReviewPage
from shelfsort.decisions.review.web.images import Images, data_folders
from shelfsort.decisions.review.web.people import People
from shelfsort.decisions.rules.reading import load_rules
from shelfsort.labeling.answer_files import read_gold
from shelfsort.labeling.pages.guide import read_guide
from shelfsort.labeling.web.choices import Choices
from shelfsort.products.taxonomy import Taxonomy, UnknownLabel

_MOST_GOLD = 10_000


@dataclass(frozen=True)
class ReviewJob:
    """What people look at, and how.

    Attributes:
        database: of `shelfsort batch`.
        rules: file of the rules that turn a category into an outcome.
        policy: how tasks are handed out.
        gold: file of true categories, "" for none.
        guide: file of definitions and examples of categories, "" for none.
        image_roots: folders that pictures may lie in, besides those of the data.
        allow_http: whether pictures are fetched from the web.
    """

    database: str
    rules: str
    policy: Policy = Policy()
    gold: str = ""
    guide: str = ""
    image_roots: Sequence[str] = field(default_factory=tuple)
    allow_http: bool = False

    @contextmanager
    def opened(
        self, people: People, hosts: frozenset[str], *, https: bool
    ) -> Iterator["OpenReview"]:
        """Opens the page for these people.

        Args:
            people: who may open it.
            hosts: names that it answers to.
            https: whether people reach it by https.

        Raises:
            InputError: one line with file, line and remedy.
        """
        rules = load_rules(self.rules)
        guide = read_guide(self.guide, rules.tree) if self.guide else None
        choices = Choices(rules.tree, self.rules, guide)
        gold = _gold(self.gold, rules.tree) if self.gold else {}
        engine = open_database(self.database, must_exist=True)
        queue = ReviewQueue(engine, rules, self.policy, gold)
        if gold and not queue.gold:
            raise InputError(f"{self.gold}: no product of the database is in it. Use its ids.")
        roots = [*map(absolute, self.image_roots), *data_folders(engine)] or [absolute(".")]
        page = ReviewPage(queue, people, choices, Images(roots, allow_http=self.allow_http))
        try:
            yield OpenReview(queue, page.application(hosts, encrypted=https))
        finally:
            page.close()
            engine.dispose()


@dataclass(frozen=True)
class OpenReview:
    """A review that people work on.

    Attributes:
        queue: of the database.
        app: the page.
    """

    queue: ReviewQueue
    app: ASGIApp


def _gold(file: str, tree: Taxonomy) -> dict[str, str]:
    """The true leaf of each product."""
    found = {}
    for id_, label in read_gold(file).items():
        try:
            found[id_] = tree.resolve(label)
        except UnknownLabel as error:
            raise InputError(f"{file}: {id_!r}: {error}. Correct the label.") from error
    if len(found) > _MOST_GOLD:
        raise InputError(f"{file}: more than {_MOST_GOLD:,} products. Give fewer.")
    return found
