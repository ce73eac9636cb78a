"""What to serve and how: the server's options, and the models with their version policies."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from serving.server.limits import Limits
from serving.status import invalid_argument
from shelfsort.core.errors import InputError
from shelfsort.core.storage import scheme


@dataclass(frozen=True)
class VersionPolicy:
    """Which of the versions found are to be served.

    Args:
        latest: that many of the highest numbers.
        everything: all of them, whatever `latest` says.
        specific: exactly these, whatever else is said; None leaves it to the other two.
    """

    latest: int = 1
    everything: bool = False
    specific: tuple[int, ...] | None = None

    def choose(self, found: Iterable[int]) -> set[int]:
        """The versions to serve among those found; one that is named but not found is left out."""
        versions = set(found)
        if self.specific is not None:
            return versions & set(self.specific)
        if self.everything:
            return versions
        return set(sorted(versions, reverse=True)[: self.latest])


@dataclass(frozen=True)
class ModelConfig:
    """One model: its name, the folder of its versions, which are served, and their labels."""

    name: str
    base_path: str
    policy: VersionPolicy = VersionPolicy()
    labels: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ServerOptions(Limits):
    """How the server behaves. Times are in seconds; what requests may cost is in `Limits`.

    Args:
        host: address to listen on; loopback by default.
        port: of gRPC; 0 takes a free one.
        rest_port: of REST; 0 takes a free one, None serves no REST.
        poll_seconds: between looks at the models' folders; 0 looks once.
        load_retries: further attempts after a load that failed.
        load_retry_seconds: between two attempts.
        workers: threads that answer requests of both ports.
        batching: answer what is waiting together, in one run of the model.
        join_rows: rows of a run that joins several requests. Beyond 8 a CPU wins nothing: what
            it works on no longer fits its caches, and all wait for the slowest.
        parallel_batches: runs of one signature at once; None for the number of processors.
        intra_op_threads, inter_op_threads: of TensorFlow; 0 leaves it to TensorFlow.
        health_service: also serve `grpc.health.v1.Health`.
        tls_certificate, tls_key, tls_client_ca: PEM files. The first two turn TLS on; the third
            asks every client for a certificate signed by it.
        labels_for_unavailable: let a label name a version that is not served yet.
        allow_reload: answer HandleReloadConfigRequest, which loads what a client names, on the
            management port.
        management_host, management_port: where; 0 takes a free port.
        reload_roots: folders that the base paths of such a request must lie in; empty for the
            base paths that the server started with.
        reload_seconds: that such a request may take.
        reload_may_empty: let a request without models unload all.
        management_token: that such a request must show as `authorization: Bearer TOKEN`.
    """

    host: str = "127.0.0.1"
    port: int = 8500
    rest_port: int | None = 8501
    poll_seconds: float = 1.0
    load_retries: int = 5
    load_retry_seconds: float = 60.0
    workers: int = 48
    batching: bool = True
    join_rows: int = 8
    parallel_batches: int | None = None
    intra_op_threads: int = 0
    inter_op_threads: int = 0
    health_service: bool = False
    tls_certificate: str | None = None
    tls_key: str | None = None
    tls_client_ca: str | None = None
    labels_for_unavailable: bool = False
    allow_reload: bool = False
    management_host: str = "127.0.0.1"
    management_port: int = 8502
    reload_roots: tuple[str, ...] = ()
    reload_seconds: float = 600.0
    reload_may_empty: bool = False
    management_token: str | None = None


def parse_version(name: str) -> int | None:
    """The version that a folder's name states, leading zeros allowed; None when it is no version.

    Only ASCII digits count, and only what fits a signed 64-bit integer.
    """
    if not name.isascii() or not name.isdigit():
        return None
    version = int(name) if len(name) <= 64 else 2**63
    return version if version < 2**63 else None


def discover_models(base_path: str | Path, name: str | None = None) -> list[ModelConfig]:
    """The models beneath a folder.

    A folder with version folders in it is one model, named `name` or else as the folder is. A
    folder whose sub-folders have versions is several, each named as its sub-folder.

    Raises:
        InputError: the folder is missing, or holds no version of anything.
    """
    if scheme(base_path):
        return [ModelConfig(name or str(base_path).rstrip("/").rsplit("/", 1)[-1], str(base_path))]
    folder = Path(base_path).resolve()
    if not folder.is_dir():
        raise InputError(f"{base_path}: no such folder. Give the folder that `run` pushes to.")
    if name or _has_versions(folder):
        return [ModelConfig(name or folder.name, str(folder))]
    models = [child for child in sorted(folder.iterdir()) if _has_versions(child)]
    if not models:
        raise InputError(
            f"{base_path}: holds no model version (a folder named by a number, or NAME/NUMBER). "
            "Push a model first, or give --model-name to wait for one."
        )
    return [ModelConfig(child.name, str(child)) for child in models]


def _has_versions(folder: Path) -> bool:
    return folder.is_dir() and any(
        parse_version(child.name) is not None and child.is_dir() for child in folder.iterdir()
    )


def check_models(models: Iterable[ModelConfig]) -> None:
    """Refuses a set of models that cannot be served together.

    Raises:
        ServingError: INVALID_ARGUMENT: a name twice, or a path that is not absolute.
    """
    names: set[str] = set()
    for model in models:
        if model.name in names:
            raise invalid_argument(
                f"Illegal to list model {model.name} multiple times in config list"
            )
        names.add(model.name)
        if not scheme(model.base_path) and not Path(model.base_path).is_absolute():
            raise invalid_argument(
                f"Expected model {model.name} to have an absolute path or URI; "
                f"got base_path()={model.base_path}"
            )
