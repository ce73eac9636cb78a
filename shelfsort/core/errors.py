"""Errors that the command line turns into one line and an exit status."""


class InputError(Exception):
    """Something the caller gave is wrong: exit status 2.

    The message is one line that names the file, the line where there is one, and the remedy.
    """


class NotBlessed(Exception):  # noqa: N818 - a verdict, not a fault
    """The run finished and the model may not go live: exit status 3."""


class RunFailed(Exception):  # noqa: N818 - reads as what it is
    """Something broke: exit status 1. The message is one line that names the log."""
