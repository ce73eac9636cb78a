"""A results database with pictures, served on a free port to two reviewers and a lead."""

import json
from contextlib import ExitStack, contextmanager
from datetime import datetime, timezone

import httpx
import pytest
import sqlalchemy as sa
from PIL import Image

from shelfsort.core.web.protection import LOOPBACK_HOSTS
from shelfsort.core.web.server import WebServer
from shelfsort.decisions.database import tables
from shelfsort.decisions.database.partitions import make_days
from shelfsort.decisions.review.queue.policy import Policy
from shelfsort.decisions.review.web.job import ReviewJob
from shelfsort.decisions.review.web.people import People
from tests.shelfsort.decisions.review.queue.conftest import Shop

TOKENS = {"Ann": "ann-has-this-token", "Bob": "bob-has-this-token", "Lea": "lea-has-this-token"}
PEOPLE = People(TOKENS, frozenset({"Lea"}))
HOSTILE = '<img src=x onerror=document.title="run">&amp;<script>alert(1)</script> "quoted" \'x\''


class Stocked(Shop):
    """A shop whose products have pictures in the folder of its data."""

    def __init__(self, folder, place):
        super().__init__(place, folder)
        self.folder, self.now = folder, datetime.now(timezone.utc)
        Image.new("RGB", (40, 30), (200, 30, 30)).save(folder / "red.png")
        Image.new("RGB", (30, 40), (0, 0, 0)).save(folder.parent / "secret.png")
        with self.engine.begin() as connection:
            make_days(connection, self.now, 2)
            connection.execute(sa.update(tables.run).values(data=str(folder / "products.csv")))

    def with_picture(self, place="red.png"):
        """Gives all products a picture."""
        with self.engine.begin() as connection:
            detail = tables.prediction_detail
            rows = connection.execute(sa.select(detail.c.prediction, detail.c.shown)).all()
            for id_, shown in rows:
                content = {**json.loads(shown), "image": str(self.folder / place)}
                connection.execute(
                    sa.update(detail)
                    .where(detail.c.prediction == id_)
                    .values(shown=json.dumps(content))
                )


@pytest.fixture
def stock(tmp_path):
    folder = tmp_path / "shop"
    folder.mkdir()
    made = Stocked(folder, str(folder / "d.db"))
    yield made
    made.engine.dispose()


@contextmanager
def serving(stock, **policy):
    """A server of the page."""
    job = ReviewJob(stock.place, str(stock.folder / "rules.yaml"), Policy(**policy))
    with job.opened(PEOPLE, LOOPBACK_HOSTS, https=False) as opened, WebServer(opened.app) as server:
        yield server


@pytest.fixture
def served(stock):
    """Serves the page; returns its server. Decisions must be there before."""
    with ExitStack() as stack:
        yield lambda **policy: stack.enter_context(serving(stock, **policy))


@pytest.fixture
def client(served):
    """A client of a person; all are of one server."""
    with ExitStack() as stack:
        started = []

        def of(name):
            if not started:
                started.append(served())
            headers = {"Authorization": f"Bearer {TOKENS[name]}"}
            return stack.enter_context(
                httpx.Client(base_url=started[0].url, headers=headers, timeout=30)
            )

        yield of
