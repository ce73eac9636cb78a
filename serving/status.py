"""Errors as a model server reports them: a canonical code and a message."""

import grpc

# TF Serving cuts what it puts into a gRPC status, lest the headers outgrow the transport's limit.
MAX_DETAIL_CHARACTERS = 1024

_BY_NUMBER = {code.value[0]: code for code in grpc.StatusCode}


class ServingError(Exception):
    """A request that cannot be answered, or a version that cannot be served.

    `code` is the canonical status code and `message` the text, worded as TF Serving words it:
    clients and dashboards match on these.
    """

    def __init__(self, code: grpc.StatusCode, message: str):
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def number(self) -> int:
        """The canonical code as a number, from 1 (CANCELLED) to 16 (UNAUTHENTICATED)."""
        return self.code.value[0]

    def details(self) -> str:
        """The message as it goes into a gRPC status: at most 1,024 characters and a mark."""
        if len(self.message) <= MAX_DETAIL_CHARACTERS:
            return self.message
        return self.message[:MAX_DETAIL_CHARACTERS] + "...TRUNCATED"

    def __str__(self) -> str:
        return f"{self.code.name}: {self.message}"


def invalid_argument(message: str) -> ServingError:
    return ServingError(grpc.StatusCode.INVALID_ARGUMENT, message)


def failed_precondition(message: str) -> ServingError:
    return ServingError(grpc.StatusCode.FAILED_PRECONDITION, message)


def not_found(message: str) -> ServingError:
    return ServingError(grpc.StatusCode.NOT_FOUND, message)


def unimplemented(message: str) -> ServingError:
    return ServingError(grpc.StatusCode.UNIMPLEMENTED, message)


def resource_exhausted(message: str) -> ServingError:
    return ServingError(grpc.StatusCode.RESOURCE_EXHAUSTED, message)


def caller_gone() -> ServingError:
    """Of work that is dropped because nobody waits for it any more."""
    return ServingError(grpc.StatusCode.CANCELLED, "The caller went away before its turn")


def unavailable(message: str) -> ServingError:
    return ServingError(grpc.StatusCode.UNAVAILABLE, message)


def from_exception(error: BaseException) -> ServingError:
    """The status of an exception that TensorFlow, or anything else, raised.

    TensorFlow's `OpError` carries a canonical code and the runtime's own message. An OSError is
    NOT_FOUND, and everything else is INTERNAL. Where the runtime quotes bytes of an input that are
    no UTF-8, its binding cannot read its own message: the input is to blame.
    """
    if isinstance(error, ServingError):
        return error
    number, message = getattr(error, "error_code", None), getattr(error, "message", None)
    if number in _BY_NUMBER and isinstance(message, str):
        return ServingError(_BY_NUMBER[number], message)
    if isinstance(error, UnicodeDecodeError):
        return invalid_argument("An input holds bytes that the model cannot read")
    if isinstance(error, OSError):
        return not_found(str(error))
    return ServingError(grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}")
