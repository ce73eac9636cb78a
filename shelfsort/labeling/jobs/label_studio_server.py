"""The few calls to a Label Studio server that a labelling job needs."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from shelfsort.core.errors import InputError, RunFailed

_SECONDS = 120
_LARGEST = 512 * 2**20
_PAGE = 100
# A personal access token is a JSON web token, and is exchanged for a short-lived one.
_JSON_WEB_TOKEN_PARTS = 3


class LabelStudio:
    """A server, as the owner of a token sees it.

    Args:
        url: of the server.
        token: of a person's account: a personal access token, or a legacy one.

    Every method raises RunFailed where the server cannot be reached or refuses, without the token
    in its message.
    """

    def __init__(self, url: str, token: str):
        self._url = url.rstrip("/")
        self._token = token
        self._opener = urllib.request.build_opener(_NoRedirects())
        self._authorization = f"Token {token}"
        if token.count(".") == _JSON_WEB_TOKEN_PARTS - 1:
            self._authorization = ""
            access = self._call("POST", "/api/token/refresh", {"refresh": token})["access"]
            self._authorization = f"Bearer {access}"

    def create_project(self, title: str, description: str, config: str) -> int:
        """Creates a project; returns its id."""
        project = {"title": title, "description": description, "label_config": config}
        return int(self._call("POST", "/api/projects", project)["id"])

    def add_tasks(self, project: int, tasks: list[dict[str, Any]]) -> None:
        """Adds tasks to a project."""
        self._call("POST", f"/api/projects/{project}/import", tasks)

    def remove_project(self, project: int) -> None:
        """Removes a project with all that is in it."""
        self._call("DELETE", f"/api/projects/{project}")

    def counts(self, project: int) -> tuple[int, int]:
        """The number of a project's tasks, and of those with an answer."""
        said = self._call("GET", f"/api/projects/{project}")
        return int(said["task_number"]), int(said["num_tasks_with_annotations"])

    def export(self, project: int) -> bytes:
        """The answers, as `labels import` reads them."""
        query = urlencode({"exportType": "JSON", "download_all_tasks": "true"})
        return self._bytes("GET", f"/api/projects/{project}/export?{query}")

    def ids(self) -> Mapping[str, int]:
        """The id of each project by its title; the oldest where several have one title."""
        found: dict[str, int] = {}
        page = 1
        while True:
            query = urlencode({"page": page, "page_size": _PAGE})
            said = self._call("GET", f"/api/projects?{query}")
            for each in said["results"]:
                title, id_ = str(each["title"]), int(each["id"])
                found[title] = min(id_, found.get(title, id_))
            if not said.get("next"):
                return found
            page += 1

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        content = self._bytes(method, path, body)
        try:
            return json.loads(content) if content else None
        except ValueError as error:
            raise RunFailed(
                f"{self._url}: the answer is not JSON. Is it a Label Studio server?"
            ) from error

    def _bytes(self, method: str, path: str, body: Any = None) -> bytes:
        request = urllib.request.Request(self._url + path, method=method)
        if self._authorization:
            request.add_header("Authorization", self._authorization)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with self._opener.open(request, timeout=_SECONDS) as answer:
                return bytes(answer.read(_LARGEST))
        except urllib.error.HTTPError as error:
            raise self._refused(method, path, error) from error
        except (OSError, ValueError) as error:
            raise RunFailed(f"{self._url}: does not answer ({error})") from error

    def _refused(self, method: str, path: str, error: urllib.error.HTTPError) -> Exception:
        if error.code in (401, 403):
            return InputError(
                f"{self._url}: the token is refused ({error.code}). Set LABEL_STUDIO_TOKEN to an "
                "access token of your account."
            )
        said = error.read(2_000).decode("utf-8", "replace").replace(self._token, "…")
        return RunFailed(
            f"{self._url}: {method} {path.partition('?')[0]}: {error.code} {' '.join(said.split())}"
        )


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows none: a redirect could carry the token to another host."""

    def redirect_request(self, *arguments: Any) -> None:
        return None
