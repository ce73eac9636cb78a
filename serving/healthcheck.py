"""Whether a model server on this machine has a version of each of its models loaded.

`python -m serving.healthcheck DIR` is the health check of the image. It asks the REST API on the
loopback address, by default at http://127.0.0.1:8501; the variable SHELFSORT_HEALTH_URL names
another. The certificate of https:// is not verified: the peer is this machine.
"""

import json
import os
import ssl
import sys
import urllib.request

from serving.version_folders import version_folders
from shelfsort.core.storage import child_folders, join

URL_VARIABLE = "SHELFSORT_HEALTH_URL"
_DEFAULT_URL = "http://127.0.0.1:8501"
_WAIT_S = 4.0


def problems(base_path: str, url: str) -> list[str]:
    """Why the server cannot answer for the models in a folder; [] where it can.

    Args:
        base_path: folder of one model's versions, or folder of several models.
        url: of the REST API.
    """
    if version_folders(base_path).taken():
        names = [base_path.rstrip("/").rsplit("/", 1)[-1]]
    else:
        names = [
            name
            for name in child_folders(base_path)
            if version_folders(join(base_path, name)).taken()
        ]
    if not names:
        return [f"{base_path}: holds no model"]
    return [problem for name in names if (problem := _problem(name, url))]


def _problem(name: str, url: str) -> str:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    # Straight to this machine, whatever proxy the environment names.
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    try:
        with opener.open(f"{url}/v1/models/{name}", timeout=_WAIT_S) as answer:
            versions = json.load(answer)["model_version_status"]
        states = [version["state"] for version in versions]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{name}: {error}"
    return "" if "AVAILABLE" in states else f"{name}: no version is loaded"


def main(arguments: list[str]) -> int:
    """Prints what is wrong; the exit status is 0 where nothing is."""
    (base_path,) = arguments
    found = problems(base_path, os.environ.get(URL_VARIABLE, _DEFAULT_URL))
    for problem in found:
        print(problem)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
