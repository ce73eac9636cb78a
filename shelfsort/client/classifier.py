"""The gRPC client: `Classifier` and `AsyncClassifier` ask a model server about products.

    with Classifier("localhost:8500") as classifier:
        answer = classifier.classify(title="Canvas tote bag", image="tote.jpg", price=19.9)
        if answer.accepted_95:
            publish(answer.category)

Works against `shelfsort serve` and `tensorflow/serving` alike. Needs gRPC and protobuf only:
TensorFlow is not imported.
"""

import asyncio
import json
import os
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import grpc

from shelfsort.client import messages
from shelfsort.client.messages import Answer, Message, Product, Row
from shelfsort.contract import wire
from shelfsort.core.errors import InputError

DEFAULT_MODEL = "shelfsort"
_IN_FLIGHT = 4
"""Requests of one batch that are under way at a time."""
_LONGEST_BACKOFF_S = 2.0
_SPARE_BYTES = 4096
"""Room in a message for names, shapes and lengths."""


class ServerError(Exception):
    """A call failed: one line that names the server and the cause.

    Attributes:
        code: gRPC's status code.
    """

    def __init__(self, message: str, code: grpc.StatusCode) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Tls:
    """The PEM bytes for a TLS connection.

    Attributes:
        ca: certificates to trust; None for those that gRPC contains.
        certificate, key: this client's own, if the server requires them (mutual TLS).
    """

    ca: bytes | None = None
    certificate: bytes | None = None
    key: bytes | None = None

    @classmethod
    def from_files(
        cls, ca: Path | None = None, certificate: Path | None = None, key: Path | None = None
    ) -> "Tls":
        """Reads the files.

        Raises:
            InputError: if one cannot be read, or a certificate comes without its key.
        """
        if (certificate is None) != (key is None):
            raise InputError(
                "a client certificate and its key belong together. Give both, or neither."
            )
        return cls(*(None if path is None else _read(path) for path in (ca, certificate, key)))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}. Give a PEM file.") from error


@dataclass(frozen=True, slots=True)
class Connection:
    """How to call a server.

    Attributes:
        timeout_s: deadline of a call, its retries included; seconds.
        attempts: number of attempts while the server is UNAVAILABLE, 1..5 (gRPC's limit).
        backoff_s: longest wait before the second attempt; doubles with each, up to 2 s. The wait
            is drawn at random, so that clients do not come back all at once.
        max_message_bytes: largest message sent or received.
        batch_size: products in one request of `classify_many`.
        tls: None is an unencrypted connection.
    """

    timeout_s: float = 10.0
    attempts: int = 4
    backoff_s: float = 0.1
    max_message_bytes: int = 64 * 2**20
    batch_size: int = 32
    tls: Tls | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.attempts <= 5:
            raise ValueError(f"attempts is {self.attempts}: 1 to 5")
        for name, least in (("timeout_s", 0.001), ("backoff_s", 0.001), ("batch_size", 1)):
            if not getattr(self, name) >= least:
                raise ValueError(f"{name} is {getattr(self, name)}: at least {least}")
        if self.max_message_bytes <= _SPARE_BYTES:
            raise ValueError(f"max_message_bytes is {self.max_message_bytes}: above {_SPARE_BYTES}")

    def options(self) -> list[tuple[str, object]]:
        """Returns the channel's options; retries are gRPC's own (service configuration)."""
        method: dict[str, object] = {"name": [{"service": "tensorflow.serving.PredictionService"}]}
        if self.attempts > 1:
            method["retryPolicy"] = {
                "maxAttempts": self.attempts,
                "initialBackoff": f"{self.backoff_s:.3f}s",
                "maxBackoff": f"{max(_LONGEST_BACKOFF_S, self.backoff_s):.3f}s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            }
        return [
            ("grpc.max_send_message_length", self.max_message_bytes),
            ("grpc.max_receive_message_length", self.max_message_bytes),
            # A connection that was refused is tried again with the retries, not a second later.
            ("grpc.initial_reconnect_backoff_ms", max(1, round(self.backoff_s * 1000))),
            ("grpc.min_reconnect_backoff_ms", max(1, round(self.backoff_s * 1000))),
            ("grpc.max_reconnect_backoff_ms", round(_LONGEST_BACKOFF_S * 1000)),
            ("grpc.service_config", json.dumps({"methodConfig": [method]})),
        ]


def _reasons(trailing: Iterable[tuple[str, str | bytes]] | None) -> str:
    """What the server says of the rows that it could not answer."""
    return next((str(value) for name, value in trailing or () if name == wire.FAILED_ROWS), "")


class _Calls:
    """What both classifiers share: the address, the model, and the messages."""

    def __init__(
        self,
        address: str,
        model: str = DEFAULT_MODEL,
        *,
        version: int | None = None,
        label: str | None = None,
        connection: Connection | None = None,
    ) -> None:
        """Opens no connection yet: the first call does.

        Args:
            address: HOST:PORT of the server's gRPC port.
            model: the model's name on the server.
            version: a version to insist on; None asks the newest that is served.
            label: a version label such as "canary" instead of a version.
            connection: deadlines, retries, limits and TLS.

        Raises:
            ValueError: if both a version and a label are given.
        """
        if version is not None and label is not None:
            raise ValueError("give a version or a label, not both")
        self._address, self._model = address, model
        self._version, self._label = version, label
        self._connection = connection or Connection()
        self._channel = self._open()
        self._predict = self._channel.unary_unary(
            wire.PREDICT_METHOD,
            request_serializer=wire.PredictRequest.SerializeToString,
            response_deserializer=wire.PredictResponse.FromString,
        )

    def _open(self) -> grpc.Channel | grpc.aio.Channel:
        return self._new_channel(grpc)

    def _new_channel(self, api: ModuleType) -> grpc.Channel | grpc.aio.Channel:
        options, tls = self._connection.options(), self._connection.tls
        if tls is None:
            return api.insecure_channel(self._address, options)
        credentials = grpc.ssl_channel_credentials(tls.ca, tls.key, tls.certificate)
        return api.secure_channel(self._address, credentials, options)

    def _batches(self, products: Iterable[Product]) -> list[Sequence[Row]]:
        rows = []
        for place, product in enumerate(products, start=1):
            try:
                rows.append(messages.checked(product))
            except InputError as error:
                raise InputError(f"product {place}: {error}") from error
        return self._cut(rows)

    def _one(self, product: Product) -> Sequence[Row]:
        (rows,) = self._cut([messages.checked(product)])
        return rows

    def _cut(self, rows: Sequence[Row]) -> list[Sequence[Row]]:
        limit = self._connection.max_message_bytes - _SPARE_BYTES
        return list(messages.batches(rows, self._connection.batch_size, limit))

    def _request(self, rows: Sequence[Row]) -> Message:
        return messages.request(rows, self._model, self._version, self._label)

    def _failure(self, error: grpc.RpcError) -> ServerError:
        code, details = error.code(), " ".join((error.details() or "").split())
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            text = f"no answer within {self._connection.timeout_s:g} s"
        elif code is grpc.StatusCode.UNAVAILABLE:
            text = f"no server answers ({details}). Check the address, or start the server."
        else:
            text = f"{code.name}: {details}"
        return ServerError(f"{self._address}: {text}", code)


class Classifier(_Calls):
    """Asks a model server, and waits. Safe to share among threads."""

    def classify(
        self,
        *,
        title: str = "",
        description: str = "",
        image: bytes | str | os.PathLike[str] | None = None,
        price: float | None = None,
    ) -> Answer:
        """Asks about one product; see `Product` for the arguments.

        Raises:
            InputError: if the product cannot be sent (see `messages.checked`).
            ServerError: if the call failed.
            AnswerError: if the server's model is not a Shelfsort model.
        """
        rows = self._one(Product(title, description, image, price))
        (answer,) = self._wait(*self._start(rows))
        return answer

    def classify_many(self, products: Iterable[Product]) -> list[Answer]:
        """Asks about many products in few calls; one answer for each, in order.

        A server may answer the others where one has a broken image: see `Answer.error`.

        Raises: as `classify`; an InputError names the product's place, counted from 1.
        """
        answers: list[Answer] = []
        under_way: deque = deque()
        try:
            for rows in self._batches(products):
                if len(under_way) == _IN_FLIGHT:
                    answers += self._wait(*under_way.popleft())
                under_way.append(self._start(rows))
            while under_way:
                answers += self._wait(*under_way.popleft())
        finally:
            for call, _ in under_way:
                call.cancel()
        return answers

    def ask(self, rows: Sequence[Row]) -> list[Answer]:
        """Asks about checked products in one call; one answer for each, in order.

        Raises: ServerError and AnswerError as `classify`.
        """
        return self._wait(*self._start(rows))

    def _start(self, rows: Sequence[Row]) -> tuple[grpc.Future, int]:
        call = self._predict.future(self._request(rows), timeout=self._connection.timeout_s)
        return call, len(rows)

    def _wait(self, call: grpc.Future, rows: int) -> list[Answer]:
        try:
            response = call.result()
        except grpc.RpcError as error:
            raise self._failure(error) from error
        return messages.answers(response, rows, _reasons(call.trailing_metadata()))

    def close(self) -> None:
        """Closes the connection; calls under way fail."""
        self._channel.close()

    def __enter__(self) -> "Classifier":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class AsyncClassifier(_Calls):
    """The same for asyncio. Make and use it within one event loop."""

    def _open(self) -> grpc.aio.Channel:
        return self._new_channel(grpc.aio)

    async def classify(
        self,
        *,
        title: str = "",
        description: str = "",
        image: bytes | str | os.PathLike[str] | None = None,
        price: float | None = None,
    ) -> Answer:
        """As `Classifier.classify`."""
        product = Product(title, description, image, price)
        (answer,) = await self._ask(await asyncio.to_thread(self._one, product))
        return answer

    async def classify_many(self, products: Iterable[Product]) -> list[Answer]:
        """As `Classifier.classify_many`."""
        batches = await asyncio.to_thread(self._batches, products)
        gate = asyncio.Semaphore(_IN_FLIGHT)

        async def ask(rows: Sequence[Row]) -> list[Answer]:
            async with gate:
                return await self._ask(rows)

        calls = [asyncio.ensure_future(ask(rows)) for rows in batches]
        try:
            return [answer for part in await asyncio.gather(*calls) for answer in part]
        finally:
            for call in calls:
                call.cancel()

    async def _ask(self, rows: Sequence[Row]) -> list[Answer]:
        call = self._predict(self._request(rows), timeout=self._connection.timeout_s)
        try:
            response, trailing = await call, await call.trailing_metadata()
        except grpc.RpcError as error:
            raise self._failure(error) from error
        return messages.answers(response, len(rows), _reasons(trailing))

    async def close(self) -> None:
        """Closes the connection; calls under way fail."""
        await self._channel.close()

    async def __aenter__(self) -> "AsyncClassifier":
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()
