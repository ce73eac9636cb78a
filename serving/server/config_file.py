"""Model configuration as messages and as the text file that TF Serving reads."""

from pathlib import Path

from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from serving.server.config import ModelConfig, VersionPolicy, check_models
from serving.status import ServingError, invalid_argument
from shelfsort.core.errors import InputError

_PLATFORM = "tensorflow"


def read_config_file(path: str | Path) -> list[ModelConfig]:
    """The models of a ModelServerConfig in text form.

    Raises:
        InputError: the file cannot be read or parsed, or names models that cannot be served.
    """
    try:
        text = Path(path).read_text("utf-8")
        config = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    except text_format.ParseError as error:
        raise InputError(
            f"{path}:{error.GetLine() or 1}: {_one_line(error)}. "
            "The file is a ModelServerConfig in text form."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {_one_line(error)}.") from error
    try:
        models = models_from(config)
        check_models(models)
    except ServingError as error:
        raise InputError(f"{path}: {error.message}.") from error
    return models


def models_from(config: model_server_config_pb2.ModelServerConfig) -> list[ModelConfig]:
    """The models of a ModelServerConfig message.

    Raises:
        ServingError: INVALID_ARGUMENT: not a list of models, or a platform other than TensorFlow.
    """
    if config.WhichOneof("config") != "model_config_list":
        raise invalid_argument(
            "ServerModelConfig type not supported by HandleReloadConfigRequest. "
            "Only ModelConfigList is currently supported"
        )
    return [_model(entry) for entry in config.model_config_list.config]


def _model(entry: model_server_config_pb2.ModelConfig) -> ModelConfig:
    platform = entry.model_platform
    if not platform and entry.model_type == model_server_config_pb2.TENSORFLOW:
        platform = _PLATFORM
    if not platform:
        raise invalid_argument(
            "Illegal setting neither ModelServerConfig::model_type (deprecated) "
            "nor ModelServerConfig::model_platform."
        )
    if platform != _PLATFORM:
        raise invalid_argument(f"ModelConfig::model_platform choice {platform} is not supported")
    return ModelConfig(entry.name, entry.base_path, _policy(entry), dict(entry.version_labels))


def _policy(entry: model_server_config_pb2.ModelConfig) -> VersionPolicy:
    policy = entry.model_version_policy
    choice = policy.WhichOneof("policy_choice")
    if choice == "all":
        return VersionPolicy(everything=True)
    if choice == "specific":
        return VersionPolicy(specific=tuple(policy.specific.versions))
    return VersionPolicy(latest=max(1, policy.latest.num_versions))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
