"""The local model server: TF Serving's APIs over gRPC and REST, for local runs and tests."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from serving.server.config import ModelConfig, ServerOptions, VersionPolicy, discover_models
    from serving.server.model_server import ModelServer

__all__ = ["ModelConfig", "ModelServer", "ServerOptions", "VersionPolicy", "discover_models"]


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first asked for: only the server itself needs TensorFlow."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "model_server" if name == "ModelServer" else "config"
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)
