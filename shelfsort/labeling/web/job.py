"""A labelling job: its products, tree, answers and people, put together."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from starlette.types import ASGIApp

from shelfsort.core.errors import InputError
from shelfsort.core.storage import absolute, is_folder
from shelfsort.labeling.answer_files import read_gold
from shelfsort.labeling.pages.guide import read_guide
from shelfsort.labeling.queue.service import QueueSettings, TaskService
from shelfsort.labeling.web.app import LabelPage
from shelfsort.labeling.web.choices import Choices
from shelfsort.labeling.web.products import Catalogue, Images, read_catalogue
from shelfsort.products.leaves import LeafResolver
from shelfsort.products.tables.forms import TABLE_SUFFIXES
from shelfsort.products.tables.rows import Reading
from shelfsort.products.taxonomy import UnknownLabel


@dataclass(frozen=True)
class LabelJob:
    """What people label, and how.

    Attributes:
        data: manifest, table or folder of images.
        taxonomy: file of the tree.
        answers: file of answers, which is made where there is none.
        gold: file of true labels, "" for none.
        guide: file of definitions and examples of categories, "" for none.
        answers_each, lease_seconds, gold_share: as in `QueueSettings`.
        image_roots, allow_http: as in `ImageSources`.
    """

    data: str
    taxonomy: str
    answers: Path
    gold: str = ""
    guide: str = ""
    answers_each: int = 3
    lease_seconds: float = 600.0
    gold_share: float = 0.05
    image_roots: Sequence[str] = field(default_factory=tuple)
    allow_http: bool = False

    @contextmanager
    def opened(
        self, tokens: Mapping[str, str], hosts: frozenset[str], *, https: bool
    ) -> Iterator["OpenJob"]:
        """Opens the job for the people with these tokens.

        Args:
            tokens: by name.
            hosts: names that the page answers to.
            https: whether people reach it by https.

        Raises:
            InputError: one line with file, line and remedy.
        """
        _refuse_among_products(self.answers, self.data)
        if self.allow_http:
            _need_http_client()
        tree = LeafResolver.load(self.taxonomy)
        guide = read_guide(self.guide, tree.taxonomy) if self.guide else None
        choices = Choices(tree.taxonomy, self.taxonomy, guide)
        catalogue = read_catalogue(self.data, Reading(), self.answers_each)
        gold = _gold(self.gold, tree, choices, catalogue) if self.gold else {}
        wanted = {
            each.product.id: each.wanted for each in catalogue.listed if each.wanted is not None
        }
        settings = QueueSettings(
            self.answers_each, self.lease_seconds, gold, self.gold_share, wanted
        )
        ids = [each.product.id for each in catalogue.listed]
        service = TaskService(ids, settings, self.answers)
        images = Images(catalogue.listed, self.image_roots, self.allow_http)
        page = LabelPage(service, catalogue.listed, choices, images)
        try:
            app = page.application(tokens, hosts, encrypted=https)
            yield OpenJob(catalogue, service, tuple(tokens), app)
        finally:
            page.close()
            service.close()


@dataclass(frozen=True)
class OpenJob:
    """A job that people work on.

    Attributes:
        catalogue: products.
        service: tasks and answers. Not to be called while the application is served.
        names: of the people.
        app: the page.
    """

    catalogue: Catalogue
    service: TaskService
    names: tuple[str, ...]
    app: ASGIApp


def _refuse_among_products(answers: Path, data: str) -> None:
    inside = is_folder(data) and answers.absolute().parent == Path(absolute(data))
    if inside and answers.suffix.lower() in TABLE_SUFFIXES:
        raise InputError(
            f"--answers {answers}: would be read as a table of {data}. Put it into another folder."
        )


def _need_http_client() -> None:
    try:
        import shelfsort.core.http  # noqa: F401
    except ModuleNotFoundError as missing:
        raise InputError(
            f"--allow-http needs the package {missing.name!r}. Run: pip install "
            "'shelfsort[catalog]'"
        ) from missing


def _gold(file: str, tree: LeafResolver, choices: Choices, catalogue: Catalogue) -> dict[str, str]:
    """The right label of each gold product, as an answer has it."""
    known = {each.product.id for each in catalogue.listed}
    gold = {id_: label for id_, label in read_gold(file).items() if id_ in known}
    if not gold:
        raise InputError(f"{file}: no product of --data is in it. Use the same ids.")
    found = {}
    for id_, label in gold.items():
        try:
            found[id_] = choices.labels[tree.leaf(label)]
        except UnknownLabel as error:
            raise InputError(f"{file}: {id_!r}: {error}. Correct the label.") from error
    return found
