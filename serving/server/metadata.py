"""GetModelMetadata: the signatures of a loaded version."""

from tensorflow_serving.apis import get_model_metadata_pb2

from serving.server.servable import Servable
from serving.status import invalid_argument

SIGNATURE_DEF = "signature_def"


def check_fields(request: get_model_metadata_pb2.GetModelMetadataRequest) -> None:
    """Refuses a request for no metadata, or for other metadata than signatures.

    Raises:
        ServingError: INVALID_ARGUMENT.
    """
    if not request.metadata_field:
        raise invalid_argument("GetModelMetadataRequest must specify at least one metadata_field")
    for name in request.metadata_field:
        if name != SIGNATURE_DEF:
            raise invalid_argument(f"Metadata field {name} is not supported")


def signature_map(servable: Servable) -> get_model_metadata_pb2.SignatureDefMap:
    """All signatures of the version, by name."""
    signatures = get_model_metadata_pb2.SignatureDefMap()
    for name, signature in servable.signatures.items():
        signatures.signature_def[name].CopyFrom(signature.definition)
    return signatures


def model_metadata(
    servable: Servable, name: str, version: int
) -> get_model_metadata_pb2.GetModelMetadataResponse:
    """The answer: the signatures, packed, under the key `signature_def`."""
    response = get_model_metadata_pb2.GetModelMetadataResponse()
    response.model_spec.name = name
    response.model_spec.version.value = version
    response.metadata[SIGNATURE_DEF].Pack(signature_map(servable))
    return response
