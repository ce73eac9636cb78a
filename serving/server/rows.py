"""Runs a signature on the rows of a request, those with a broken image left out."""

from collections.abc import Mapping

import numpy as np
from grpc import StatusCode

from serving.server import pictures
from serving.server.budget import BYTES_PER_ROW
from serving.server.calls import Caller
from serving.server.limits import LARGE_PIXELS, LARGE_ROWS, Limits
from serving.server.servable import Servable, Signature
from serving.status import ServingError, invalid_argument

Arrays = Mapping[str, np.ndarray]


def check_rows(count: int, limits: Limits) -> None:
    """Refuses more rows than a request may have.

    Raises:
        ServingError: INVALID_ARGUMENT.
    """
    if limits.max_batch_size is not None and count > limits.max_batch_size:
        raise invalid_argument(
            f"Task size {count} is larger than maximum input batch size {limits.max_batch_size}"
        )


def run_rows(
    servable: Servable,
    signature: Signature,
    inputs: Arrays,
    caller: Caller,
    limits: Limits,
    blank: float = 0.0,
) -> dict[str, np.ndarray]:
    """The outputs of a signature, by alias.

    Where each row of the inputs makes a row of the outputs, a row whose image costs too much or
    cannot be decoded fails alone: its outputs are empty strings, `blank` and False, and
    `caller.failed` gets the reason. A request of which no row is left fails as a whole.

    Args:
        inputs: an array for every input alias, of the signature's types.
        limits: of rows and pixels.
        blank: in place of floating-point numbers; whole numbers are 0.

    Raises:
        ServingError: too many rows, images that cost too much, or the graph failed.
    """
    rows = _rows(signature, inputs)
    if rows is not None:
        check_rows(rows, limits)
    measured = pictures.measure(inputs, limits.max_image_pixels)
    failed = measured.refused
    if failed and (rows is None or len(failed) >= rows):
        row, reason = next(iter(failed.items()))
        raise invalid_argument(f"row {row}: {reason}")
    large = sum(measured.pixels) > LARGE_PIXELS or (rows or 0) > LARGE_ROWS

    def run(chosen: Arrays) -> dict[str, np.ndarray]:
        if not large:
            return servable.run(signature, chosen, caller)
        with caller.lane(caller.alive):
            caller.take(measured.memory + BYTES_PER_ROW * (rows or 1))
            return servable.run(signature, chosen, caller, large=True)

    try:
        outputs = run(_without(inputs, failed))
    except ServingError as error:
        broken = _broken(error, inputs, rows)
        failed = {**broken, **failed}
        if rows is None or not broken or len(failed) >= rows:
            raise
        outputs = run(_without(inputs, failed))
    if not failed:
        return outputs
    caller.failed(failed)
    return _with_blanks(outputs, failed, rows or 0, blank)


def _rows(signature: Signature, inputs: Arrays) -> int | None:
    """The number of rows; None where the signature or the inputs have no rows."""
    if not signature.rowwise or any(array.ndim == 0 for array in inputs.values()):
        return None
    sizes = {array.shape[0] for array in inputs.values()}
    return sizes.pop() if len(sizes) == 1 else None


def _broken(error: ServingError, inputs: Arrays, rows: int | None) -> dict[int, str]:
    """The rows whose images made a run fail."""
    if error.code is not StatusCode.INVALID_ARGUMENT or rows is None or rows < 2:
        return {}
    return pictures.undecodable(inputs)


def _without(inputs: Arrays, failed: Mapping[int, str]) -> Arrays:
    if not failed:
        return inputs
    return {alias: np.delete(array, list(failed), axis=0) for alias, array in inputs.items()}


def _with_blanks(
    outputs: Arrays, failed: Mapping[int, str], rows: int, blank: float
) -> dict[str, np.ndarray]:
    """The outputs with rows of nothing in the places of those that failed."""
    answered = [row for row in range(rows) if row not in failed]
    whole = {}
    for alias, array in outputs.items():
        if array.ndim == 0 or array.shape[0] != len(answered):
            row, reason = next(iter(failed.items()))
            raise invalid_argument(f"row {row}: {reason}")
        whole[alias] = np.zeros((rows, *array.shape[1:]), array.dtype)
        if array.dtype == object:
            whole[alias][...] = b""
        elif array.dtype.kind == "f":
            whole[alias][...] = blank
        whole[alias][answered] = array
    return whole
