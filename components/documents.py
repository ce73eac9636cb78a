"""JSON documents that components leave in their artifacts: typed, whole or not at all, versioned.

A document is a frozen dataclass that names its file and the version of its form. Documents that
older code wrote have no version; they are read, and a newer version is refused.
"""

import json
from collections.abc import Iterator
from typing import Any, ClassVar, TypeVar

from pydantic import TypeAdapter, ValidationError

from shelfsort.core.errors import InputError
from shelfsort.core.files import write_bytes
from shelfsort.core.storage import Place, exists, join, open_binary, read_bytes

VERSION_KEY = "format_version"
"""A name of its own: `version` is a model's number in `push.json`."""

_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}

T = TypeVar("T")
D = TypeVar("D", bound="Document")


class Document:
    """Base of the dataclasses that are kept as JSON files.

    Attributes:
        FILE: name of the file in the artifact's folder.
        FORMAT: version of the form that is written, and the newest that is read.
    """

    FILE: ClassVar[str]
    FORMAT: ClassVar[int] = 1

    def to_dict(self) -> dict[str, Any]:
        """The file's content as plain values; a number that is not finite is None."""
        return {VERSION_KEY: self.FORMAT, **self._content()}

    def to_json(self) -> bytes:
        """The file's content, UTF-8."""
        text = json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False)
        return text.encode() + b"\n"

    def write(self, folder: Place) -> None:
        """Writes the document into an artifact's folder, a path or a URI."""
        write_bytes(join(folder, self.FILE), self.to_json())

    @classmethod
    def from_dict(cls: type[D], content: Any, where: str = "") -> D:
        """Reads JSON's plain values, of this version or an older one.

        Args:
            content: as `to_dict` or older code made it.
            where: the file, for an error.

        Raises:
            InputError: a newer version, or something else.
        """
        where = where or cls.FILE
        version = content.get(VERSION_KEY, 0) if isinstance(content, dict) else 0
        if not isinstance(version, int) or version > cls.FORMAT:
            raise InputError(
                f"{where}: has format {version!r}, and this version of Shelfsort reads formats up "
                f"to {cls.FORMAT}. Use the version that wrote it."
            )
        try:
            content = cls._fields(content, version)
            return _adapter(cls).validate_python(content)
        except (ValidationError, LookupError, TypeError, AttributeError) as error:
            raise InputError(
                f"{where}: is not what its component writes ({_first_problem(error)}). Repeat the "
                "run that made it."
            ) from error

    @classmethod
    def from_json(cls: type[D], text: bytes, where: str = "") -> D:
        """Reads a file's content; see `from_dict`."""
        try:
            content = json.loads(text)
        except ValueError as error:
            raise InputError(
                f"{where or cls.FILE}: is no JSON ({error}). Repeat the run that made it."
            ) from error
        return cls.from_dict(content, where)

    @classmethod
    def find(cls: type[D], folder: Place) -> D | None:
        """Reads the document of an artifact's folder; None where there is none.

        Raises:
            InputError: see `from_dict`.
        """
        path = join(folder, cls.FILE)
        return cls.from_json(read_bytes(path), path) if exists(path) else None

    @classmethod
    def read(cls: type[D], folder: Place) -> D:
        """Reads the document of an artifact's folder.

        Raises:
            InputError: there is none, or see `from_dict`.
        """
        found = cls.find(folder)
        if found is None:
            path = join(folder, cls.FILE)
            raise InputError(f"{path}: is not there. Repeat the run that should have made it.")
        return found

    def _content(self) -> dict[str, Any]:
        """The fields as plain values; a subclass whose file has another form overrides it."""
        return json.loads(_adapter(type(self)).dump_json(self))

    @classmethod
    def _fields(cls, content: Any, version: int) -> Any:
        """The fields, from the content of a file of some version."""
        return content


def json_lines(path: str, kind: type[T]) -> Iterator[T]:
    """The records of a JSON Lines file, each checked; none where there is no file.

    Raises:
        InputError: a line is no record of this kind.
    """
    if not exists(path):
        return
    adapter = _adapter(kind)
    with open_binary(path) as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                yield adapter.validate_json(line)
            except ValidationError as error:
                raise InputError(
                    f"{path}:{number}: is not what its component writes "
                    f"({_first_problem(error)}). Repeat the run that made it."
                ) from error


def _adapter(kind: Any) -> TypeAdapter[Any]:
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def _first_problem(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        return f"{place}: {first['msg']}" if place else first["msg"]
    return f"{type(error).__name__}: {error}"
