"""Asks about many products so that one that the model refuses costs only its own answer."""

from collections.abc import Callable, Sequence

import grpc

from shelfsort.client.classifier import ServerError
from shelfsort.client.messages import Answer, Row

Ask = Callable[[Sequence[Row]], list[Answer]]
"""Asks about at least one row: one answer for each, in order."""


def answer_each(ask: Ask, rows: Sequence[Row]) -> list[Answer | ServerError]:
    """One answer for each row, or the server's error about it.

    TF Serving calls a batch INVALID_ARGUMENT for one row, such as an image that cannot be decoded.
    It is halved until the row stands alone: with one of n rows at fault in 2 log2(n) calls.

    Raises:
        ServerError: a call failed for another reason.
        AnswerError: the server's model is not a Shelfsort model.
    """
    if not rows:
        return []
    try:
        return [_error_of(answer) if answer.error else answer for answer in ask(rows)]
    except ServerError as error:
        if error.code is not grpc.StatusCode.INVALID_ARGUMENT:
            raise
        if len(rows) == 1:
            return [error]
    half = len(rows) // 2
    return [*answer_each(ask, rows[:half]), *answer_each(ask, rows[half:])]


def _error_of(answer: Answer) -> ServerError:
    return ServerError(answer.error, grpc.StatusCode.INVALID_ARGUMENT)
