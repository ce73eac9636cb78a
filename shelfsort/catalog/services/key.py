"""The key of a service: it comes from the environment, and goes nowhere but to the service."""

import os
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, quote_plus, urlencode, urlsplit

import pydantic
from pydantic import Field

from shelfsort.core.errors import InputError

# A shorter key may be a word of the text it is looked for in.
_LEAST_HIDDEN = 6
_HIDDEN = "[key]"


class KeySettings(pydantic.BaseModel):
    """Where the key of a service comes from, and where a request carries it.

    Attributes:
        env: Environment variable that holds the key.
        header: Header that carries it.
        parameter: Parameter of the query that carries it, instead of a header.
        prefix: What stands before it in the header, such as `Bearer `.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    env: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    header: str = Field("", pattern=r"^[A-Za-z0-9-]*$")
    parameter: str = ""
    prefix: str = Field("", max_length=100)

    @pydantic.model_validator(mode="after")
    def _one_place(self) -> "KeySettings":
        if bool(self.header) == bool(self.parameter):
            raise ValueError("name a header or a parameter that carries the key")
        return self


class Key:
    """The key itself. It does not appear in `repr`."""

    def __init__(self, settings: KeySettings | None, place: str):
        """Takes the key from the environment.

        Args:
            settings: None for a service without a key.
            place: begins messages.

        Raises:
            InputError: the variable is not set, or cannot be sent.
        """
        self._settings = settings
        self._value = ""
        if settings is None:
            return
        self._value = os.environ.get(settings.env, "").strip()
        if not self._value:
            raise InputError(
                f"{place}: {settings.env} is not set. Put the key of the service in it."
            )
        if not (self._value.isascii() and self._value.isprintable()):
            raise InputError(
                f"{place}: {settings.env} holds no key. Put in letters and digits only."
            )

    @property
    def name(self) -> str:
        """The environment variable, "" for none."""
        return self._settings.env if self._settings else ""

    def headers(self) -> Mapping[str, str]:
        """The headers that carry the key."""
        if not self._settings or not self._settings.header:
            return {}
        return {self._settings.header: self._settings.prefix + self._value}

    def added(self, url: str) -> str:
        """An address with the key in it, where a parameter carries it."""
        if not self._settings or not self._settings.parameter:
            return url
        pair = urlencode({self._settings.parameter: self._value})
        bare, _, fragment = self.removed(url).partition("#")
        joined = f"{bare}{'&' if '?' in bare else '?'}{pair}"
        return f"{joined}#{fragment}" if fragment else joined

    def removed(self, url: str) -> str:
        """An address without the parameters that hold the key."""
        parts = urlsplit(url)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        kept = [pair for pair in pairs if not self._is_key(*pair)]
        if len(kept) == len(pairs):
            return url
        return parts._replace(query=urlencode(kept)).geturl()

    def hidden(self, text: str) -> str:
        """A text in which something stands for the key."""
        if len(self._value) < _LEAST_HIDDEN:
            return text
        for form in {self._value, quote(self._value, safe=""), quote_plus(self._value)}:
            text = text.replace(form, _HIDDEN)
        return text

    def _is_key(self, name: str, value: str) -> bool:
        named = self._settings is not None and name == self._settings.parameter
        return named or (bool(self._value) and value == self._value)
