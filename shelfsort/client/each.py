"""Asks about many products so that one that the model refuses costs only its own answer."""

from collections.abc import Callable, Sequence

import grpc

from shelfsort.client.classifier import ServerError
from shelfsort.client.messages import Answer, Row

Ask = Callable[[Sequence[Row]], list[Answer]]
"""Asks about at least one row: one answer for each, in order."""


def answer_each(ask: Ask, rows: Sequence[Row]) -> list[Answer | ServerError]:
    """One answer for each row, or the server's error about it.

    A batch that the server calls INVALID_ARGUMENT is halved until the row at fault stands alone,
    such as an image that cannot be decoded: with one of n rows at fault in 2 log2(n) calls.

    Raises:
        ServerError: a call failed for another reason.
        AnswerError: the server's model is not a Shelfsort model.
    """
    if not rows:
        return []
    try:
        return list(ask(rows))
    except ServerError as error:
        if error.code is not grpc.StatusCode.INVALID_ARGUMENT:
            raise
        if len(rows) == 1:
            return [error]
    half = len(rows) // 2
    return [*answer_each(ask, rows[:half]), *answer_each(ask, rows[half:])]
