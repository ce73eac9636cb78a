"""HandleReloadConfigRequest, confined to folders that are configured."""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from grpc import StatusCode
from tensorflow_serving.config import model_server_config_pb2

from serving.server.config import ModelConfig, ServerOptions, check_models
from serving.server.config_file import models_from
from serving.server.manager import ModelManager, ModelsUnavailable
from serving.status import ServingError, invalid_argument
from shelfsort.core.storage import scheme

MAX_MODELS = 100
"""Of a request, and ever named: their names are kept, as TF Serving keeps them."""

_PATIENCE_SECONDS = 5.0


class Reloads:
    """Replaces the configuration at a client's request, one at a time.

    Args:
        manager: has the models.
        options: what is allowed.
        models: those that the server started with.
    """

    def __init__(
        self, manager: ModelManager, options: ServerOptions, models: Sequence[ModelConfig]
    ):
        self._manager = manager
        self._options = options
        self._roots = options.reload_roots or tuple(model.base_path for model in models)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="reload")
        self._last: Future | None = None

    async def apply(
        self, config: model_server_config_pb2.ModelServerConfig, seconds: float | None
    ) -> None:
        """Applies a configuration, and returns when every model in it has a version that answers.

        Args:
            config: the whole configuration.
            seconds: that the caller waits; None for as long as the server allows.

        Raises:
            ServingError: a configuration that is not allowed, ABORTED while another is applied,
                or UNKNOWN when a model did not become available.
        """
        models = models_from(config)
        self._check(models)
        limit = self._options.reload_seconds
        seconds = limit if seconds is None else min(seconds, limit)
        await self._wait_for_the_last(min(seconds, _PATIENCE_SECONDS))
        given_up = threading.Event()
        self._last = self._thread.submit(self._manager.bring_up, models, seconds, given_up)
        try:
            await asyncio.wrap_future(self._last)
        except ModelsUnavailable as error:
            raise ServingError(StatusCode.UNKNOWN, str(error)) from error
        finally:
            given_up.set()

    async def _wait_for_the_last(self, seconds: float) -> None:
        """An abandoned one ends soon."""
        if self._last is not None and not self._last.done():
            await asyncio.wait({asyncio.wrap_future(self._last)}, timeout=seconds)
            if not self._last.done():
                raise ServingError(StatusCode.ABORTED, "Another configuration is being applied")

    def _check(self, models: Sequence[ModelConfig]) -> None:
        if not models and not self._options.reload_may_empty:
            raise invalid_argument(
                "The list of models is empty, which would unload all. "
                "Start the server with --reload-may-empty to allow that"
            )
        named = {model.name for model in models} | set(self._manager.names)
        if len(named) > MAX_MODELS:
            raise invalid_argument(f"More than {MAX_MODELS} models have been named")
        check_models(models)
        for model in models:
            if not any(_is_below(model.base_path, root) for root in self._roots):
                raise ServingError(
                    StatusCode.PERMISSION_DENIED,
                    f"The base path of {model.name} is not below a folder of --reload-root",
                )


def _is_below(path: str, root: str) -> bool:
    if scheme(path) or scheme(root):
        parts = path.split("/")
        return ".." not in parts and (path.rstrip("/") + "/").startswith(root.rstrip("/") + "/")
    # Links count as what they lead to.
    return Path(path).resolve().is_relative_to(Path(root).resolve())
