"""`shelfsort serve`: the local model server."""

import contextlib
import logging
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from serving.cli.exposure import check_exposure, check_management
from serving.cli.following import follow
from shelfsort.cli.numbers import PORT, FiniteRange
from shelfsort.core.errors import InputError, RunFailed
from shelfsort.core.signals import EndingSignals

if TYPE_CHECKING:
    from serving.server import ModelServer, ServerOptions


@click.command()
@click.option(
    "--model-base-path",
    metavar="DIR",
    help="Folder of one model's versions, or folder of several models.",
)
@click.option("--model-name", help="Name of the model in DIR. Default: the folder's name.")
@click.option(
    "--model-config-file",
    metavar="FILE",
    help="TensorFlow Serving's text file of models, version policies and labels. Replaces DIR.",
)
@click.option(
    "--model-config-file-poll-wait-seconds",
    type=FiniteRange(min=0),
    default=0.0,
    show_default=True,
    help="Seconds between reads of the configuration file; 0 reads it only at startup.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=PORT, default=8500, show_default=True, help="gRPC port; 0 chooses a free one."
)
@click.option(
    "--rest-port",
    type=PORT,
    default=8501,
    show_default=True,
    help="REST port; 0 chooses a free one.",
)
@click.option("--rest/--no-rest", default=True, show_default=True, help="Serve the REST API.")
@click.option(
    "--file-system-poll-wait-seconds",
    "poll_seconds",
    type=FiniteRange(min=0),
    default=1.0,
    show_default=True,
    help="Seconds between scans for new versions; 0 scans only at startup.",
)
@click.option(
    "--max-num-load-retries",
    "load_retries",
    type=click.IntRange(min=0),
    default=5,
    show_default=True,
    help="Retries of a version that does not load.",
)
@click.option(
    "--load-retry-interval-seconds",
    "load_retry_seconds",
    type=FiniteRange(min=0),
    default=60.0,
    show_default=True,
    help="Seconds between these retries.",
)
@click.option(
    "--batching/--no-batching",
    default=True,
    show_default=True,
    help="Batch requests that are already queued; never delay a request to fill a batch.",
)
@click.option(
    "--join-rows",
    type=click.IntRange(min=1),
    default=8,
    show_default=True,
    help="Maximum rows of a batch that joins requests. Increase it for a GPU.",
)
@click.option(
    "--max-batch-size",
    type=click.IntRange(min=1),
    default=1024,
    show_default=True,
    help="Maximum rows of a request.",
)
@click.option(
    "--num-batch-threads",
    "parallel_batches",
    type=click.IntRange(min=1),
    help="Number of batches computed in parallel. Default: one for each processor.",
)
@click.option(
    "--max-concurrent",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="Maximum concurrent calls; further calls are rejected.",
)
@click.option(
    "--max-message-mb",
    type=FiniteRange(min=0.001, max=2047),
    default=64.0,
    show_default=True,
    help="Maximum size of a request, over REST also after decompression.",
)
@click.option(
    "--max-image-pixels",
    type=click.IntRange(min=1),
    default=50_000_000,
    show_default=True,
    help="Maximum pixels of an image, over all frames of a GIF.",
)
@click.option(
    "--max-json-values",
    type=click.IntRange(min=1),
    default=1 << 20,
    show_default=True,
    help="Maximum values, lists and objects in a REST body.",
)
@click.option(
    "--max-message-fields",
    type=click.IntRange(min=1),
    default=1 << 18,
    show_default=True,
    help="Maximum fields of a gRPC message, those inside others too.",
)
@click.option(
    "--request-memory-mb",
    type=FiniteRange(min=1),
    default=1024.0,
    show_default=True,
    help="Memory of all requests in hand; further ones are rejected as RESOURCE_EXHAUSTED.",
)
@click.option(
    "--arrival-seconds",
    type=FiniteRange(min=0.1),
    default=30.0,
    show_default=True,
    help="Seconds in which a request must have arrived.",
)
@click.option(
    "--tensorflow-intra-op-parallelism",
    "intra_op_threads",
    type=click.IntRange(min=0),
    default=0,
    help="Threads within a TensorFlow operation; 0 lets TensorFlow choose.",
)
@click.option(
    "--tensorflow-inter-op-parallelism",
    "inter_op_threads",
    type=click.IntRange(min=0),
    default=0,
    help="TensorFlow operations in parallel; 0 lets TensorFlow choose.",
)
@click.option(
    "--enable-grpc-healthcheck-service",
    "health_service",
    is_flag=True,
    help="Serve grpc.health.v1.",
)
@click.option(
    "--tls-certificate",
    metavar="PEM",
    help="Server certificate. With --tls-key: TLS on both ports.",
)
@click.option("--tls-key", metavar="PEM", help="Key of the server certificate.")
@click.option(
    "--tls-client-ca", metavar="PEM", help="Require client certificates signed by this CA."
)
@click.option(
    "--plaintext",
    is_flag=True,
    help="Listen without TLS where others can connect: behind a proxy or mesh that encrypts.",
)
@click.option(
    "--allow-version-labels-for-unavailable-models",
    "labels_for_unavailable",
    is_flag=True,
    help="Accept labels of versions that are not loaded yet.",
)
@click.option(
    "--allow-reload",
    is_flag=True,
    help="Answer HandleReloadConfigRequest, with which a client replaces the configuration, on the "
    "management port.",
)
@click.option(
    "--management-host",
    default="127.0.0.1",
    show_default=True,
    help="Address of the management port. Where others can connect it needs "
    "--management-token-file or --tls-client-ca.",
)
@click.option(
    "--management-port",
    type=PORT,
    default=8502,
    show_default=True,
    help="Port of --allow-reload; 0 chooses a free one.",
)
@click.option(
    "--reload-root",
    "reload_roots",
    metavar="DIR",
    multiple=True,
    help="Folder that base paths of such a request must lie in; may be repeated. Default: the base "
    "paths served at startup.",
)
@click.option(
    "--reload-may-empty",
    is_flag=True,
    help="Let such a request without models unload all.",
)
@click.option(
    "--reload-seconds",
    type=FiniteRange(min=0.1),
    default=600.0,
    show_default=True,
    help="Seconds that such a request, or a change of the configuration file, may take.",
)
@click.option(
    "--management-token-file",
    metavar="FILE",
    help="Such a request must show the token in this file, as `authorization: Bearer TOKEN`.",
)
@click.option(
    "--grace-seconds",
    type=FiniteRange(min=0),
    default=30.0,
    show_default=True,
    help="Seconds that running calls may still take after SIGTERM.",
)
def serve(
    model_base_path: str | None,
    model_name: str | None,
    model_config_file: str | None,
    model_config_file_poll_wait_seconds: float,
    plaintext: bool,
    grace_seconds: float,
    **options,
) -> None:
    """Serve pushed models with TensorFlow Serving's APIs, until SIGTERM or Ctrl-C.

    The server loads and warms up a new version before it unloads the old one. If the new version
    does not load, the old one stays. Prometheus metrics are at /monitoring/prometheus/metrics on
    the REST port.

    \b
    Examples:
      shelfsort serve --model-base-path out/serving
      shelfsort serve --model-base-path out/serving/shelfsort --port 0 --rest-port 0
      shelfsort serve --model-config-file models.config --host 0.0.0.0 \\
        --tls-certificate server.pem --tls-key server.key --tls-client-ca clients.pem
    """
    if bool(model_base_path) == bool(model_config_file):
        raise InputError("Give either --model-base-path or --model-config-file.")
    encrypted = bool(options["tls_certificate"])
    check_exposure(options["host"], encrypted=encrypted, plaintext=plaintext)
    if options["allow_reload"]:
        known = bool(options["management_token_file"] or options["tls_client_ca"])
        check_management(
            options["management_host"], encrypted=encrypted, plaintext=plaintext, known=known
        )
    # Read before it is applied, so that a change in between is noticed later.
    config = _content(model_config_file)
    with _logged_to_stderr():
        server = _started(model_base_path, model_name, model_config_file, _options(options))
        signals, stop = EndingSignals(), threading.Event()
        _announce(server)
        if model_config_file and model_config_file_poll_wait_seconds > 0:
            every, most = model_config_file_poll_wait_seconds, options["reload_seconds"]
            follow(server, model_config_file, config, stop, every, most)
        signals.wait()
        stop.set()
        server.stop(grace_seconds)
    _leave()


def _leave() -> None:
    """Ends the process, everything being stopped.

    The runtimes of TensorFlow and gRPC end threads of their own when Python does, and on a busy
    machine that can take minutes or abort.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _content(path: str | None) -> bytes:
    try:
        return Path(path).read_bytes() if path else b""
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from error


@contextlib.contextmanager
def _logged_to_stderr() -> Iterator[None]:
    """Logs versions as they load, fail and unload, with the time, for an operator."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("shelfsort.serving")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _options(given: dict) -> "ServerOptions":
    from serving.server import ServerOptions

    given["max_message_bytes"] = int(given.pop("max_message_mb") * 2**20)
    given["request_memory_bytes"] = int(given.pop("request_memory_mb") * 2**20)
    token_file = given.pop("management_token_file")
    if token_file:
        given["management_token"] = _token(token_file)
    if not given.pop("rest"):
        given["rest_port"] = None
    return ServerOptions(**given)


def _token(path: str) -> str:
    token = _content(path).decode("utf-8", "replace").strip()
    if len(token) < 16:
        raise InputError(f"{path}: holds no token. Write 16 characters or more into it.")
    return token


def _started(
    base_path: str | None, name: str | None, config_file: str | None, options: "ServerOptions"
) -> "ModelServer":
    from shelfsort.core.lean_imports import lean_keras

    with lean_keras():
        import tensorflow as tf
    from serving.server import ModelServer, discover_models
    from serving.server.config_file import read_config_file
    from serving.server.manager import ModelsUnavailable
    from serving.status import ServingError
    from shelfsort.core.open_files import raise_limit

    raise_limit()
    # The loader that TF Serving uses calls itself deprecated at every load.
    tf.get_logger().setLevel("ERROR")
    models = read_config_file(config_file) if config_file else discover_models(base_path, name)
    try:
        return ModelServer(models, options).start()
    except (ModelsUnavailable, OSError) as error:
        raise RunFailed(str(error)) from error
    except ServingError as error:
        raise InputError(f"{config_file or base_path}: {error.message}.") from error


def _announce(server: "ModelServer") -> None:
    """Prints one line for each model on stdout; the caller of the server may wait for them."""
    ports = f"{server.address} (gRPC)"
    if server.rest_address:
        ports += f", {server.rest_address} (REST)"
    if server.management_address:
        ports += f", {server.management_address} (management)"
    for name, versions in server.manager.available().items():
        listed = ", ".join(map(str, versions))
        click.echo(f"Serving {name} version {listed} on {ports}")
