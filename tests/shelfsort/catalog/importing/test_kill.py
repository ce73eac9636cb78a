"""An import that is killed goes on, and ends like one that was not."""

import signal
import sqlite3
import subprocess
import sys
import time

import pytest
import sqlalchemy as sa

from shelfsort.catalog.database.opening import open_database
from shelfsort.catalog.database.tables import history, link, product, product_link, stage
from shelfsort.catalog.importing.passes import run_pass
from shelfsort.catalog.settings import load_settings
from shelfsort.core.database.engine import open_engine, reader

# Two batches are stored.
FILES, ROWS = 18, 300
SETTINGS = "database: {}\nsources:\n  shop:\n    type: tables\n    files: csv\n"


def write(folder, version, database="catalog.db"):
    """A folder of settings and tables; the second version changes, drops and adds rows."""
    (folder / "csv").mkdir(parents=True, exist_ok=True)
    (folder / "catalog.yaml").write_text(SETTINGS.format(database))
    for file in range(FILES):
        numbers = range(file * ROWS, (file + 1) * ROWS)
        lines = [
            f"p{n + 50 * version},Mug {n % 97},{n % 7 + (version if n % 3 == 0 else 0)},"
            f"https://a.test/{n % 2_000}.jpg"
            for n in numbers
        ]
        (folder / "csv" / f"{file:02}.csv").write_text("id,title,price,image\n" + "\n".join(lines))


def import_whole(folder):
    settings = load_settings(str(folder / "catalog.yaml"))
    engine = open_database(settings.database)
    run_pass(engine, settings.sources["shop"])
    engine.dispose()


def content(folder):
    """Everything but numbers and moments."""
    engine = open_database(load_settings(str(folder / "catalog.yaml")).database)
    same = [
        column
        for column in product.c
        if column.name not in ("id", "first_seen", "changed", "gone", "pull")
    ]
    pictures = sa.select(product.c.source_id, product_link.c.position, link.c.url, link.c.host)
    pictures = pictures.select_from(product.join(product_link).join(link))
    old = sa.select(product.c.source_id, history.c.was).select_from(product.join(history))
    everything = [
        sa.select(*same, product.c.gone.is_(None)).order_by(product.c.source_id),
        pictures.order_by(product.c.source_id),
        old.order_by(product.c.source_id, history.c.was),
        sa.select(sa.func.count()).select_from(link),
        sa.select(sa.func.count()).select_from(stage),
    ]
    with reader(engine) as connection:
        found = [connection.execute(each).tuples().all() for each in everything]
    engine.dispose()
    return found


def killed_after(folder, question, number):
    """Runs an import, and kills it when the database answers with at least this number."""
    command = [sys.executable, "-m", "shelfsort.cli.main", "catalog", "import", "catalog.yaml"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    database = sqlite3.connect(f"file:{folder / 'catalog.db'}?mode=ro", uri=True, timeout=60)
    while process.poll() is None:
        if database.execute(question).fetchone()[0] >= number:
            process.send_signal(signal.SIGKILL)
        time.sleep(0.02)
    database.close()
    assert process.wait() in (0, -signal.SIGKILL)
    return process.returncode == -signal.SIGKILL


@pytest.mark.slow
def test_an_import_that_is_killed_twice_ends_like_one_that_was_not(tmp_path):
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    for folder in (broken, whole):
        write(folder, version=0)
        import_whole(folder)
        write(folder, version=1)
    import_whole(whole)
    before = content(broken)
    staged = "select count(*) from stage"
    assert killed_after(broken, staged, 4 * ROWS)
    assert content(broken)[:4] == before[:4]
    stored = "select count(*) from history"
    # The second batch may be stored before the kill arrives.
    killed_after(broken, stored, 1)
    import_whole(broken)
    assert content(broken) == content(whole)
    assert len(content(whole)[2]) > 1_000


def server_killed_after(folder, server, question, number):
    """Runs an import, and kills the server when it answers with at least this number."""
    command = [sys.executable, "-m", "shelfsort.cli.main", "catalog", "import", "catalog.yaml"]
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    engine, reached = open_engine(load_settings(str(folder / "catalog.yaml")).database), False
    while process.poll() is None:
        with engine.connect() as connection:
            reached = connection.execute(sa.text(question)).scalar_one() >= number
        if reached:
            server.kill()
            break
        time.sleep(0.02)
    engine.dispose()
    _, said = process.communicate()
    if reached:
        server.start()
    return process.returncode, said.strip().splitlines()[-1:]


@pytest.mark.slow
def test_an_import_whose_server_is_killed_twice_ends_like_one_that_was_not(
    tmp_path, own_postgresql
):
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    for folder, place in ((broken, own_postgresql.create("broken")), (whole, "catalog.db")):
        write(folder, version=0, database=place)
        import_whole(folder)
        write(folder, version=1, database=place)
    import_whole(whole)
    before = content(broken)
    staged = "select count(*) from stage"
    status, (said,) = server_killed_after(broken, own_postgresql, staged, 4 * ROWS)
    assert status == 2 and "the database cannot be used" in said
    assert content(broken)[:4] == before[:4]
    # The second batch may be stored before the kill arrives.
    server_killed_after(broken, own_postgresql, "select count(*) from history", 1)
    import_whole(broken)
    assert content(broken) == content(whole)
    assert len(content(whole)[2]) > 1_000
