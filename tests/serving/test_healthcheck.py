import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from serving.healthcheck import main, problems

STATES = {"bags": ["END", "AVAILABLE"], "hats": ["LOADING"], "odd": None}


class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.rpartition("/")[2]
        states = STATES.get(name, [])
        body = {"model_version_status": states and [{"state": state} for state in states]}
        content = json.dumps(body).encode()
        self.send_response(200 if name in STATES else 404)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Keeps the test's output clean."""


@pytest.fixture
def url():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("folders", "unwell"),
    [(["bags/1"], 0), (["hats/1"], 1), (["bags/1", "hats/1"], 1), (["odd/2"], 1), (["gone/1"], 1),
     (["bags/1", "notes/text"], 0), ([], 1)],
)  # fmt: skip
def test_every_model_of_the_folder_must_have_a_version_loaded(tmp_path, url, folders, unwell):
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
    assert len(problems(str(tmp_path), url)) == unwell


def test_the_folder_of_one_model_is_that_model(tmp_path, url, monkeypatch, capsys):
    (tmp_path / "bags" / "7").mkdir(parents=True)
    monkeypatch.setenv("SHELFSORT_HEALTH_URL", url)
    assert main([str(tmp_path / "bags")]) == 0
    monkeypatch.setenv("SHELFSORT_HEALTH_URL", "http://127.0.0.1:1")
    assert main([str(tmp_path / "bags")]) == 1
    assert "refused" in capsys.readouterr().out
