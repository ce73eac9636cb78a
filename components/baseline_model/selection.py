"""Which version a candidate is compared with, and which model its training starts from."""

from serving.versions import ModelVersion, find_version, list_versions
from shelfsort.contract.model_files import BASE_MODEL
from shelfsort.core.errors import InputError


def live_baseline(serving_dir: str, live_version: str) -> ModelVersion | None:
    """The version with that number; None for "", when nothing was live.

    Raises:
        InputError: it is no number, or a version that is not there any more.
    """
    if not live_version:
        return None
    if not live_version.isdecimal():
        raise InputError(
            f"live_version={live_version!r}: not a version's number. Leave it empty, or fix it."
        )
    return find_version(serving_dir, int(live_version))


def newest_with_digest(serving_dir: str, digest: str) -> ModelVersion | None:
    """The newest version that holds the model with that digest; None where none does."""
    versions = reversed(list_versions(serving_dir)) if digest else ()
    return next((version for version in versions if version.digest == digest), None)


def start_digest(live: ModelVersion | None, content_digest: str) -> str:
    """Digest of the model that training on some content starts from; "" for none.

    That is the live one, except where that was itself trained on this very content: then it is the
    one that it started from. Otherwise each push would start another training on the same products.

    Args:
        live: the version that is live now.
        content_digest: of the products, as a lineage's `manifest_digest`.
    """
    if live is None:
        return ""
    if live.lineage.get("manifest_digest") == content_digest and BASE_MODEL in live.lineage:
        return live.lineage[BASE_MODEL]
    return live.digest
