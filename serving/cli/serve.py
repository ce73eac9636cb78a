"""`shelfsort serve`: the local model server."""

import contextlib
import logging
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shelfsort.core.errors import InputError

if TYPE_CHECKING:
    from serving.server import ModelServer, ServerOptions


@click.command()
@click.option(
    "--model-base-path",
    metavar="DIR",
    help="Folder of a model's versions, or of several models' folders.",
)
@click.option("--model-name", help="Name of the model at DIR. Default: its folder's.")
@click.option(
    "--model-config-file",
    metavar="FILE",
    help="Instead of DIR: models, version policies and labels, as TF Serving's text file.",
)
@click.option(
    "--model-config-file-poll-wait-seconds",
    default=0.0,
    show_default=True,
    help="Read the file again so often; 0 reads it once.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8500, show_default=True, help="gRPC port; 0 takes a free one.")
@click.option("--rest-port", default=8501, show_default=True, help="REST port; 0: a free one.")
@click.option("--rest/--no-rest", default=True, help="Whether to serve REST at all.")
@click.option(
    "--file-system-poll-wait-seconds",
    "poll_seconds",
    default=1.0,
    show_default=True,
    help="Look for new versions so often; 0 looks once.",
)
@click.option("--max-num-load-retries", "load_retries", default=5, show_default=True)
@click.option(
    "--load-retry-interval-seconds", "load_retry_seconds", default=60.0, show_default=True
)
@click.option(
    "--batching/--no-batching",
    default=True,
    show_default=True,
    help="Answer what is waiting together. Nothing is ever waited for.",
)
@click.option(
    "--join-rows",
    type=click.IntRange(min=1),
    default=8,
    show_default=True,
    help="Rows of a run that joins several requests. A GPU wants more.",
)
@click.option(
    "--max-batch-size",
    type=click.IntRange(min=1),
    help="Refuse requests with more rows. Default: none is too large.",
)
@click.option(
    "--num-batch-threads",
    "parallel_batches",
    type=click.IntRange(min=1),
    help="Runs at once. Default: one for each processor.",
)
@click.option(
    "--max-concurrent", default=1000, show_default=True, help="Calls in hand; more are refused."
)
@click.option("--max-message-mb", type=click.FloatRange(min=0.001, max=2047), help="Default: 2 GB.")
@click.option("--tensorflow-intra-op-parallelism", "intra_op_threads", default=0)
@click.option("--tensorflow-inter-op-parallelism", "inter_op_threads", default=0)
@click.option(
    "--enable-grpc-healthcheck-service", "health_service", is_flag=True, help="grpc.health.v1."
)
@click.option("--tls-certificate", metavar="PEM", help="With --tls-key: TLS on both ports.")
@click.option("--tls-key", metavar="PEM")
@click.option("--tls-client-ca", metavar="PEM", help="Clients need a certificate signed by it.")
@click.option(
    "--allow-version-labels-for-unavailable-models", "labels_for_unavailable", is_flag=True
)
@click.option(
    "--grace-seconds",
    default=30.0,
    show_default=True,
    help="What calls in hand may still take after SIGTERM.",
)
def serve(
    model_base_path: str | None,
    model_name: str | None,
    model_config_file: str | None,
    model_config_file_poll_wait_seconds: float,
    grace_seconds: float,
    **options,
) -> None:
    """Serve pushed models with TF Serving's APIs, until SIGTERM or Ctrl-C.

    New versions are loaded and warmed up before the old one goes; one that does not load leaves
    the old one in place. Prometheus reads /monitoring/prometheus/metrics on the REST port.

    \b
    Examples:
      shelfsort serve --model-base-path out/serving
      shelfsort serve --model-base-path out/serving/shelfsort --port 0 --rest-port 0
      shelfsort serve --model-config-file models.config --host 0.0.0.0 \\
        --tls-certificate server.pem --tls-key server.key --tls-client-ca clients.pem
    """
    if bool(model_base_path) == bool(model_config_file):
        raise InputError("Give either --model-base-path or --model-config-file.")
    # Read before it is applied: a change meanwhile is then seen as one.
    config = _content(model_config_file)
    with _logged_to_stderr():
        server = _started(model_base_path, model_name, model_config_file, _options(options))
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        _announce(server)
        if model_config_file and model_config_file_poll_wait_seconds > 0:
            seconds = model_config_file_poll_wait_seconds
            _follow(server, model_config_file, config, seconds, stop)
        stop.wait()
        server.stop(grace_seconds)


def _content(path: str | None) -> bytes:
    try:
        return Path(path).read_bytes() if path else b""
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from error


@contextlib.contextmanager
def _logged_to_stderr() -> Iterator[None]:
    """Versions that come, fail and go, with the time: what an operator looks for afterwards."""
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

    megabytes = given.pop("max_message_mb")
    if megabytes is not None:
        given["max_message_bytes"] = int(megabytes * 2**20)
    if not given.pop("rest"):
        given["rest_port"] = None
    return ServerOptions(**given)


def _started(
    base_path: str | None, name: str | None, config_file: str | None, options: "ServerOptions"
) -> "ModelServer":
    import tensorflow as tf

    from serving.server import ModelServer, discover_models
    from serving.server.config_file import read_config_file
    from serving.server.manager import ModelsUnavailable
    from serving.status import ServingError

    # The loader that TF Serving uses calls itself deprecated at every load.
    tf.get_logger().setLevel("ERROR")
    models = read_config_file(config_file) if config_file else discover_models(base_path, name)
    try:
        return ModelServer(models, options).start()
    except (ModelsUnavailable, OSError) as error:
        raise click.ClickException(str(error)) from error
    except ServingError as error:
        raise InputError(f"{config_file or base_path}: {error.message}.") from error


def _announce(server: "ModelServer") -> None:
    """One line for each model, on stdout: who starts a server waits for them."""
    ports = f"{server.address} (gRPC)"
    if server.rest_address:
        ports += f", {server.rest_address} (REST)"
    for name, versions in server.manager.available().items():
        listed = ", ".join(map(str, versions))
        click.echo(f"Serving {name} version {listed} on {ports}")


def _follow(
    server: "ModelServer", path: str, started_with: bytes, seconds: float, stop: threading.Event
) -> None:
    """Applies the configuration file whenever it changes; a faulty one changes nothing."""
    from serving.server.config_file import read_config_file

    def watch() -> None:
        applied = started_with
        while not stop.wait(seconds):
            try:
                found = Path(path).read_bytes()
                if found != applied:
                    applied = found
                    server.manager.bring_up(read_config_file(path))
            except Exception as error:
                click.echo(f"shelfsort: {path} was not applied: {error}", err=True)

    threading.Thread(target=watch, name="config", daemon=True).start()
