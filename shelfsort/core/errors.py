"""Errors that the command line turns into one line and an exit status."""

from collections.abc import Sequence


class InputError(Exception):
    """Something the caller gave is wrong: exit status 2.

    The message is one line that names the file, the line where there is one, and the remedy.
    """

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong, one line each."""
        return (str(self),)


class InputErrors(InputError):  # noqa: N818 - several of them
    """Several things that the caller gave are wrong; each has a line of its own."""

    def __init__(self, faults: Sequence[str]):
        """`faults` are messages as those of InputError."""
        super().__init__(" ".join(faults))
        self._faults = tuple(faults)

    @property
    def faults(self) -> tuple[str, ...]:
        return self._faults


class NoRows(InputError):  # noqa: N818 - reads as what it is
    """A table or a manifest holds no row."""


class NotBlessed(Exception):  # noqa: N818 - a verdict, not a fault
    """The run finished and the model may not go live: exit status 3."""


class RunFailed(Exception):  # noqa: N818 - reads as what it is
    """Something broke: exit status 1. The message is one line that names the log."""
