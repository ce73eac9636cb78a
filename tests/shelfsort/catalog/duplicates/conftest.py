"""A crawl database with products and pictures."""

import hashlib
import io
from datetime import datetime, timezone

import pytest
import sqlalchemy as sa
from PIL import Image

from shelfsort.catalog.database.opening import open_database
from shelfsort.catalog.database.tables import image, link, product, product_link, source
from shelfsort.catalog.duplicates.hashing import perceptual_hash

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


class Crawled:
    """A database and its pictures."""

    def __init__(self, place: str):
        self.engine = open_database(place)
        self.contents: dict[str, bytes] = {}
        self._products = 0
        with self.engine.begin() as connection:
            connection.execute(sa.insert(source).values(name="shop", type="tables"))

    def picture(self, shown: Image.Image, quality: int = 90, **columns: str) -> str:
        out = io.BytesIO()
        shown.save(out, "JPEG", quality=quality)
        digest = hashlib.sha256(out.getvalue()).hexdigest()
        self.contents[digest] = out.getvalue()
        row = {"perceptual_hash": perceptual_hash(out.getvalue()), "format": "jpeg", **columns}
        with self.engine.begin() as connection:
            connection.execute(sa.insert(image).values(digest=digest, fetched=NOW, **row))
        return digest

    def product(self, picture: str = "", **columns: object) -> int:
        self._products += 1
        row = {"source": "shop", "source_id": str(self._products), "pull": 1, **columns}
        with self.engine.begin() as connection:
            added = connection.execute(
                sa.insert(product).values(first_seen=NOW, changed=NOW, **row)
            )
            number = added.inserted_primary_key[0]
            if picture:
                url = f"https://shop.example/{number}.jpg"
                values = {"url": url, "host": "shop.example", "state": "good", "image": picture}
                key = connection.execute(sa.insert(link).values(**values)).inserted_primary_key[0]
                shown = {"product": number, "position": 0, "link": key}
                connection.execute(sa.insert(product_link).values(**shown))
        return number

    def read(self, digest: str, form: str) -> bytes:
        assert form == "jpeg"
        if digest not in self.contents:
            raise FileNotFoundError(digest)
        return self.contents[digest]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def crawled(request, tmp_path):
    sqlite = request.param == "sqlite"
    made = Crawled(
        str(tmp_path / "catalog.db") if sqlite else request.getfixturevalue("postgresql")
    )
    yield made
    made.engine.dispose()
