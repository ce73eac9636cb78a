"""Asks one service, at its pace, until it answers."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Annotated, Any
from urllib.parse import urljoin, urlsplit

import pydantic
from pydantic import Field

from shelfsort.catalog.services.answers import beginning, parsed
from shelfsort.catalog.services.key import Key, KeySettings
from shelfsort.catalog.services.pacing import Pacing, asked_pause_s, backoff_s
from shelfsort.core.errors import InputError
from shelfsort.core.http import (
    Answer,
    Downloader,
    DownloadError,
    Limits,
    Request,
    TooLargeError,
    UnreachableError,
    is_company_address,
    is_public_address,
)

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 5
_BUSY = frozenset({408, 425, 429})
_AGAIN = "Run the command again later: it goes on where it stopped."


class Access(pydantic.BaseModel):
    """How a service is asked.

    Attributes:
        key: Key of the service, from an environment variable.
        headers: Headers of every request, which hold no secret.
        allow_private: Whether the service may stand in a private network or on this machine.
            Without this only addresses of the public internet are asked.
        requests_s: Most requests a second.
        attempts: Most tries of one request. Timeouts, broken answers and the statuses 408, 425,
            429 and 5xx are tried again, after 1 s, 2 s, 4 s, … up to a minute.
        answer_s: Seconds for one whole answer.
        pause_s: Longest pause that the service may ask for by `Retry-After`; if it asks for a
            longer one, the pass stops and can go on later.
        max_bytes: Of one answer.
    """

    key: KeySettings | None = None
    headers: dict[str, str] = Field({})
    allow_private: bool = False
    requests_s: Annotated[float, Field(gt=0, le=1_000)] = 5.0
    attempts: Annotated[int, Field(ge=1, le=20)] = 6
    answer_s: Annotated[float, Field(gt=0, le=3_600)] = 60.0
    pause_s: Annotated[float, Field(ge=0, le=86_400)] = 600.0
    max_bytes: Annotated[int, Field(ge=1_000, le=500_000_000)] = 20_000_000


def checked_address(address: str) -> str:
    """An `http(s)://` address without user and fragment. Raises ValueError for another."""
    try:
        parts = urlsplit(address)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port
    except ValueError as error:
        raise ValueError("the address is not valid") from error
    if not sound or parts.fragment:
        raise ValueError("write an address such as https://shop.example/products")
    if "@" in parts.netloc:
        raise ValueError("an address holds no user or password; name them in key")
    return address


Address = Annotated[str, Field(max_length=2_000), pydantic.AfterValidator(checked_address)]


@dataclass(frozen=True)
class Reply:
    """An answer that was read.

    Attributes:
        status: of HTTP.
        value: of its JSON; None for a status outside 2xx.
        headers: their names in any case.
        links: addresses of the header `Link` by their relation.
    """

    status: int
    value: Any
    headers: Mapping[str, str]
    links: Mapping[str, str]


class Service:
    """A service; may be shared by threads."""

    def __init__(self, name: str, address: str, access: Access):
        """Prepares requests; sends none.

        Args:
            name: of the source, which begins messages.
            address: that the settings name; the key is sent to its host only.
            access: how it is asked.

        Raises:
            InputError: the key is missing, or would be sent in clear over the public internet.
        """
        self.key = Key(access.key, name)
        self._name = name
        self._origin = _origin(address)
        self._access = access
        if access.key and not access.allow_private and self._origin[0] != "https":
            raise InputError(
                f"{name}: the key would be sent in clear. Write https:// in the address, or set "
                "allow_private: true for a service of your own network."
            )
        self._answered = False
        self._pacing = Pacing(access.requests_s)
        self._downloader = Downloader(
            Limits(access.max_bytes, wait_s=access.answer_s, total_s=access.answer_s),
            is_company_address if access.allow_private else is_public_address,
        )

    def ask(
        self,
        url: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        expected: Collection[int] = (),
    ) -> Reply:
        """What the service answers; it is asked again until it does.

        Args:
            url: without the key.
            body: JSON that is posted, b"" for a GET.
            headers: of this request.
            expected: statuses outside 2xx that are answers as well, such as 404.

        Raises:
            InputError: it refuses, or does not answer; the message names no key.
        """
        failures = 0
        while True:
            self._pacing.wait()
            try:
                return self._tried(url, body, headers or {}, expected)
            except _PassingError as error:
                failures += 1
                if failures >= self._access.attempts:
                    tries = "1 try" if failures == 1 else f"{failures} tries"
                    raise self._failed(url, f"{error}, after {tries}. {_AGAIN}") from error
                self._pacing.hold(backoff_s(failures))

    def _tried(
        self, url: str, body: bytes, headers: Mapping[str, str], expected: Collection[int]
    ) -> Reply:
        try:
            answer = self._followed(url, body, headers)
        except UnreachableError as error:
            # A name that was found before will be found again.
            if error.passing and self._answered:
                raise _PassingError("the name of the host cannot be found") from error
            raise InputError(f"{self._name}: {self._unreachable()}") from error
        except TooLargeError as error:
            remedy = "Ask for smaller pages, or raise max_bytes."
            raise self._failed(url, f"{error}. {remedy}") from error
        except DownloadError as error:
            if error.passing:
                raise _PassingError(str(error)) from error
            raise self._failed(url, f"{error}. Correct the address.") from error
        self._answered = True
        if answer.status in _BUSY or answer.status >= 500:
            self._pause(url, answer)
            raise _PassingError(f"HTTP status {answer.status}")
        if not 200 <= answer.status < 300:
            if answer.status in expected:
                return Reply(answer.status, None, answer.headers, answer.links)
            raise self._refused(url, answer)
        try:
            return Reply(answer.status, parsed(answer.body), answer.headers, answer.links)
        except ValueError as error:
            raise _PassingError(str(error)) from error

    def same_origin(self, url: str, base: str) -> str:
        """An address that the service gave, without the key.

        Args:
            url: absolute, or relative to `base`.
            base: of the answer that holds it.

        Raises:
            InputError: it leads to another host, which would get the key.
        """
        try:
            joined = urljoin(base, url)
            scheme, host, port = _origin(joined)
        except ValueError:
            scheme, host, port = "", "", None
        ours = self._origin
        # Behind a proxy that ends TLS, services write http:// of themselves.
        if (scheme, port) == ("http", 80) and (ours[0], ours[2]) == ("https", 443):
            joined, scheme, port = "https" + joined[4:], "https", 443
        if (scheme, host, port) != ours:
            raise InputError(
                f"{self._name}: the service leads to another host ({host[:100] or 'none'}). "
                "Write its address in the settings."
            )
        return self.key.removed(joined)

    def close(self) -> None:
        """Closes the connections."""
        self._pacing.close()
        self._downloader.close()

    def _followed(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        for _ in range(_MAX_REDIRECTS + 1):
            kind = {"Content-Type": "application/json"} if body else {}
            sent = {**kind, **self._access.headers, **headers, **self.key.headers()}
            method = "POST" if body else "GET"
            answer = self._downloader.ask(Request(self.key.added(url), method, sent, body))
            location = answer.headers.get("Location")
            if answer.status not in _REDIRECTS or not location:
                return answer
            if body:
                raise self._failed(url, "it leads elsewhere. Write the new address.")
            url = self.same_origin(location, url)
        raise self._failed(url, f"more than {_MAX_REDIRECTS} redirects. Correct the address.")

    def _pause(self, url: str, answer: Answer) -> None:
        """Waits as long as the service asks to, before anything else is asked."""
        asked = asked_pause_s(answer.headers.get("Retry-After", ""), datetime.now(timezone.utc))
        if asked is None:
            return
        if asked > self._access.pause_s:
            wait = f"it asks to wait {asked:,.0f} s, longer than pause_s"
            raise self._failed(url, f"{wait}. {_AGAIN}")
        self._pacing.hold(asked)

    def _refused(self, url: str, answer: Answer) -> InputError:
        said = beginning(answer.body)
        shown = f" ({said})" if said else ""
        remedy = "Correct the settings."
        if answer.status in (401, 403):
            remedy = f"Check the key in {self.key.name}." if self.key.name else "Name a key."
        elif answer.status in (404, 410):
            remedy = "Correct the address."
        elif answer.status in (400, 422):
            remedy = "Correct the parameters."
        return self._failed(url, f"HTTP status {answer.status}{shown}. {remedy}")

    def _failed(self, url: str, what: str) -> InputError:
        parts = urlsplit(url)
        # The query holds what people look for.
        shown = f"{parts.scheme}://{parts.netloc}{parts.path}"
        return InputError(self.key.hidden(f"{self._name}: {shown}: {what}"))

    def _unreachable(self) -> str:
        host = self._origin[1]
        if self._access.allow_private:
            return f"{host} has no address that may be asked. Correct the address."
        return (
            f"{host} is not on the public internet. Correct the address, or set "
            "allow_private: true for a service of your own network."
        )


class _PassingError(Exception):
    """There was no answer, but there may be one a moment later."""


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    standard = {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or standard
