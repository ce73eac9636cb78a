"""The management port: ModelService for whoever runs the server, apart from those who ask it."""

import hmac
from collections.abc import Mapping
from typing import Any

import grpc
from tensorflow_serving.apis import model_management_pb2

from serving.server.grpc_calls import Context, Inbox, Refusals, handler, parsed
from serving.server.grpc_services import MODEL_SERVICE, status_answer
from serving.server.intake import Intake
from serving.server.limits import MAX_CONTROL_BYTES
from serving.server.manager import ModelManager
from serving.server.reload import Reloads
from serving.status import ServingError


class Management:
    """GetModelStatus and HandleReloadConfigRequest.

    Args:
        manager: has the models.
        intake: what the ports share.
        reloads: applies configurations.
        token: that a call which changes something must show; None asks for none.
    """

    def __init__(self, manager: ModelManager, intake: Intake, reloads: Reloads, token: str | None):
        self._manager = manager
        self._reloads = reloads
        self._token = token
        self.inbox = Inbox(intake)
        self.names = (MODEL_SERVICE,)

    def handlers(self) -> list[grpc.GenericRpcHandler]:
        """For a server of `grpc.aio`."""
        methods = {
            "GetModelStatus": self.inbox.aside(status_answer(self._manager)),
            "HandleReloadConfigRequest": self._reload,
        }
        return [handler(MODEL_SERVICE, methods)]

    async def _reload(self, _: Any, context: Context) -> bytes:
        with Refusals() as refusals:
            self._check_token(dict(context.invocation_metadata() or ()))
            message = await self.inbox.arrived(context, MAX_CONTROL_BYTES)
            request = parsed(model_management_pb2.ReloadConfigRequest, message)
            await self._reloads.apply(request.config, context.time_remaining())
            response = model_management_pb2.ReloadConfigResponse()
            response.status.error_code = 0
            return response.SerializeToString()
        return await refusals.abort(context)

    def _check_token(self, metadata: Mapping[str, str | bytes]) -> None:
        if self._token is None:
            return
        shown = str(metadata.get("authorization", "")).partition(" ")
        right = hmac.compare_digest(shown[2].strip().encode(), self._token.encode())
        if shown[0].lower() != "bearer" or not right:
            raise ServingError(grpc.StatusCode.UNAUTHENTICATED, "A token is required")
