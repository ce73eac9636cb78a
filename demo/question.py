"""The demo's closing question: a model server of its own, asked once over gRPC."""

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from shelfsort.core.errors import RunFailed

_READY = re.compile(r"Serving (?P<name>\S+) version \S+ on (?P<address>\S+) \(gRPC\)")


@contextlib.contextmanager
def model_server(serving: Path, log: Path) -> Iterator[str]:
    """Runs `shelfsort serve` on a free loopback port while the context lasts.

    Args:
        serving: folder of the models' folders.
        log: where the server's own words go.

    Yields:
        host:port of its gRPC API.

    Raises:
        RunFailed: it did not come up.
    """
    command = [sys.executable, "-m", "shelfsort.cli.main", "serve"]
    command += ["--model-base-path", str(serving), "--port", "0", "--no-rest"]
    with log.open("ab") as errors:
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        yield _address(server, log)
    finally:
        server.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(timeout=30)
        server.kill()
        server.stdout.close()


def _address(server: subprocess.Popen, log: Path) -> str:
    for line in server.stdout:
        if match := _READY.match(line):
            return match["address"]
    raise RunFailed(f"the model server did not start ({log} has the details)")
