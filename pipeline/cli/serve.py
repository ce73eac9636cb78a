"""`shelfsort serve`: the local model server."""

import click


@click.command()
@click.option(
    "--model-base-path",
    metavar="DIR",
    required=True,
    help="Folder of a model's versions, or of several models' folders.",
)
@click.option("--model-name", help="Name of the model at DIR. Default: its folder's.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8500, show_default=True, help="gRPC port; 0 takes a free one.")
@click.option("--rest-port", default=8501, show_default=True, help="REST port; 0: a free one.")
def serve(**options) -> None:
    """Serve pushed models with TF Serving's APIs.

    \b
    Examples:
      shelfsort serve --model-base-path out/serving
    """
    import signal
    import threading

    from serving.server import ModelServer

    server = ModelServer.at(
        options["model_base_path"],
        options["model_name"],
        host=options["host"],
        port=options["port"],
        rest_port=options["rest_port"],
    ).start()
    for config in server.manager.configs:
        version = server.manager.status(config.name, None)[0].version
        click.echo(f"Serving {config.name} version {version} on {server.address} (gRPC)")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    stop.wait()
    server.stop()
