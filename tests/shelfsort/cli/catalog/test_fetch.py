"""`shelfsort catalog fetch`, as people call it."""

import json

import pytest
from click.testing import CliRunner

from shelfsort.catalog.fetching import job
from shelfsort.cli.catalog.command import catalog
from shelfsort.core.errors import InputError
from tests.fixtures.address_tricks import SPELLINGS
from tests.fixtures.crawl import jpeg
from tests.fixtures.picture_server import Reply

pytestmark = pytest.mark.slow
SETTINGS = """
database: {database}
sources: {{shop: {{type: tables, files: shop.csv}}}}
fetch: {{contact: '{contact}', ports: [{port}], wait_s: 2}}
"""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def run(request, tmp_path, monkeypatch, picture_server):
    """Imports addresses and fetches them; gives what the command prints, as JSON."""
    monkeypatch.chdir(tmp_path)
    database = "catalog.db" if request.param == "sqlite" else request.getfixturevalue("postgresql")

    def called(urls, *arguments, contact="photos@shop.example"):
        content = SETTINGS.format(database=database, contact=contact, port=picture_server.port)
        (tmp_path / "catalog.yaml").write_text(content)
        rows = [f'{n},Mug,"{url}"\n' for n, url in enumerate(urls)]
        (tmp_path / "shop.csv").write_text("id,title,image\n" + "".join(rows), newline="")
        for name, more in (("import", ()), ("fetch", arguments)):
            result = CliRunner().invoke(catalog, [name, "catalog.yaml", "--json", *more])
            if result.exception is not None and not isinstance(result.exception, SystemExit):
                raise result.exception
        return json.loads(result.stdout)

    return called


def test_pictures_are_fetched_and_counted_by_class(run, picture_server, monkeypatch, tmp_path):
    only = {"permitted": lambda address: address == "127.0.0.1", "rules": None}
    monkeypatch.setattr(job.fetch_pictures, "__kwdefaults__", only)
    for n in range(5):
        picture_server.replies[f"/{n}.jpg"] = Reply(jpeg(n))
    found = run([picture_server.url(f"/{n}.jpg") for n in range(6)])
    assert (found["links"], found["done"]) == (6, 6)
    assert found["outcomes"] == {"good": 5, "gone": 1}
    assert len(list((tmp_path / "images").glob("*/*.png"))) == 5
    again = run([picture_server.url(f"/{n}.jpg") for n in range(6)], "--retry", "gone")
    assert again["outcomes"] == {"gone": 1}


def test_no_setting_lets_a_request_into_this_machine(run, picture_server):
    hosts = [each for each in SPELLINGS if "\r" not in each]
    found = run([f"http://{host}:{picture_server.port}/a.jpg?{n}" for n, host in enumerate(hosts)])
    assert found["done"] == found["links"] > 40
    assert "good" not in found["outcomes"]
    assert (picture_server.asked, dict(picture_server.peers)) == ([], {})


def test_hosts_have_to_know_whom_to_write_to(run, picture_server):
    with pytest.raises(InputError, match=r"catalog\.yaml: fetch\.contact is missing"):
        run([picture_server.url("/a.jpg")], contact="")
