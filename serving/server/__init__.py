"""The local model server: TF Serving's APIs over gRPC and REST, for local runs and tests."""

from serving.server.config import ModelConfig, ServerOptions, VersionPolicy, discover_models
from serving.server.model_server import ModelServer

__all__ = ["ModelConfig", "ModelServer", "ServerOptions", "VersionPolicy", "discover_models"]
