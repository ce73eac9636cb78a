"""Starts a compiled pipeline on a Kubeflow Pipelines server, once or on a schedule."""

import contextlib
import dataclasses
import difflib
import io
import json
import logging
import time
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from components.manifest_example_gen.preflight import Preflight
from pipeline.kubeflow import input_check, input_check_task
from pipeline.kubeflow.lint import lint
from pipeline.kubeflow.spec import Spec, Task, load_spec, section
from shelfsort.core.errors import InputError, RunFailed
from shelfsort.core.progress import note
from shelfsort.core.stack import ask_for_health

TOKEN_VARIABLE = "KFP_TOKEN"
ENDED = ("SUCCEEDED", "FAILED", "CANCELED", "SKIPPED")
_DIGEST, _SPANS = "content_digest", "spans"
_UNKNOWN_CONTENT = {_DIGEST: "", _SPANS: "[]"}
"""Has a run's InputCheck look for itself."""
MAX_ATTEMPTS = 3
"""Runs on the same content that may fail before it counts as had."""
_PATIENCE = 30
"""Polls in a row that may fail before a wait is given up: servers are restarted."""


@dataclasses.dataclass(frozen=True)
class Server:
    """A Kubeflow Pipelines API.

    Attributes:
        host: its address, http(s)://….
        namespace: of a multi-user installation; "" for a single-user one.
        token: sent as bearer; "" for none. Never shown.
    """

    host: str
    namespace: str = ""
    token: str = dataclasses.field(default="", repr=False)

    def __post_init__(self) -> None:
        if "@" in self.host.partition("?")[0]:
            # Not repeated: what stands before the @ is a secret.
            raise InputError(f"--host: names a user. Leave it out, and set {TOKEN_VARIABLE}.")
        if not self.host.startswith(("http://", "https://")):
            raise InputError(f"--host: {self.host!r} is no address. Begin it with https://.")


@dataclasses.dataclass(frozen=True)
class Request:
    """What is to be run.

    Attributes:
        path: of the compiled spec.
        name: of the run; "" names it after file and time.
        experiment: that the run belongs to.
        arguments: values of the pipeline's parameters; the others take their defaults.
        root: where artifacts go; "" keeps the compiled root.
        cached: False computes every step again.
    """

    path: str
    name: str = ""
    experiment: str = "shelfsort"
    arguments: Mapping[str, str] = dataclasses.field(default_factory=dict)
    root: str = ""
    cached: bool = True


def start_run(server: Server, request: Request) -> str:
    """Starts a run now and returns its id.

    Raises:
        InputError: the spec has what Kubeflow cannot run, a parameter is unknown, or the server
            does not take the token.
        RunFailed: the server cannot be reached or refuses the run.
    """
    spec = _runnable(request.path)
    arguments = _arguments(spec, request.arguments)
    with _client(server) as client:
        run = client.create_run_from_pipeline_package(
            request.path,
            arguments=arguments,
            run_name=request.name or None,
            experiment_name=request.experiment,
            namespace=server.namespace or None,
            pipeline_root=request.root or None,
            enable_caching=None if request.cached else False,
        )
    return run.run_id


def start_run_when_new(server: Server, request: Request) -> str | None:
    """Starts a run unless one of the experiment has had the same content; returns its id or None.

    The content is read here and now, by the settings that the spec was compiled with. Runs that
    failed or were cancelled count only once there are MAX_ATTEMPTS of them.

    Raises:
        InputError: as `start_run`; or the manifest or the tree cannot be used, or read from here.
        RunFailed: as `start_run`.
    """
    spec = _runnable(request.path)
    given = _arguments(spec, request.arguments)
    content = content_of(spec, given)
    if _was_run(server, request.experiment, content.digest):
        return None
    pinned = {_DIGEST: content.digest, _SPANS: json.dumps(content.files)}
    return start_run(server, dataclasses.replace(request, arguments={**given, **pinned}))


def content_of(spec: Spec, arguments: Mapping[str, str]) -> Preflight:
    """What a run with these arguments would ingest if it began now."""
    task = _input_check(spec)
    defaults = {name: each.get("defaultValue") for name, each in spec.parameters().items()}
    values = {
        name: _value(parameter, {**defaults, **arguments})
        for name, parameter in section(task.task, "inputs", "parameters").items()
    }
    return input_check.content_of(values)


def start_schedule(server: Server, request: Request, cron: str, *, catches_up: bool = False) -> str:
    """Has the server start a run whenever `cron` (six fields, seconds first) says; returns an id.

    Each run looks for what is there then, whatever was there when the pipeline was compiled. A run
    does not start while the one before it is under way. Schedules of the same name in the
    experiment are replaced, so that a repeated call leaves one.

    Args:
        server: that starts the runs.
        request: what it starts.
        cron: when.
        catches_up: whether runs that were missed, as while the server was away, are made up for.

    Raises:
        InputError: as `start_run`; or `cron` has not six fields.
        RunFailed: as `start_run`.
    """
    spec = _runnable(request.path)
    if len(cron.split()) != 6:
        raise InputError(
            f"--schedule: {cron!r} has not six fields, seconds first, e.g. '0 0 3 * * *'."
        )
    arguments = _arguments(spec, request.arguments, looks=True)
    name = request.name or request.experiment
    with _client(server) as client:
        experiment = client.create_experiment(
            request.experiment, namespace=server.namespace or None
        ).experiment_id
        before = _schedules(client, server, experiment, name)
        schedule = client.create_recurring_run(
            experiment,
            name,
            cron_expression=cron,
            max_concurrency=1,
            no_catchup=not catches_up,
            params=arguments,
            pipeline_package_path=request.path,
            pipeline_root=request.root or None,
            enable_caching=None if request.cached else False,
        )
        # Afterwards: a kill in between leaves two, which the next call makes one, never none.
        for each in before:
            client.delete_recurring_run(each)
    return schedule.recurring_run_id


def _schedules(client: Any, server: Server, experiment: str, name: str) -> list[str]:
    """Ids of the experiment's schedules of a name."""
    found, page = [], ""
    while True:
        answer = client.list_recurring_runs(
            page_token=page,
            page_size=100,
            experiment_id=experiment,
            namespace=server.namespace or None,
        )
        for each in answer.recurring_runs or []:
            if each.display_name == name:
                found.append(each.recurring_run_id)
        page = answer.next_page_token or ""
        if not page:
            return found


def wait_for(server: Server, run_id: str, timeout_s: float, poll_s: float = 10.0) -> str:
    """Waits until a run has ended and returns its state, one of ENDED.

    Raises:
        RunFailed: it has not ended in time, or the server cannot be reached.
    """
    deadline = time.monotonic() + timeout_s
    reported, failures = "", 0
    while True:
        try:
            with _client(server) as client:
                run = client.get_run(run_id)
        except RunFailed:
            failures += 1
            if failures > _PATIENCE:
                raise
        else:
            failures = 0
            if (summary := _summary(run)) != reported:
                reported = summary
                note(summary)
            if run.state in ENDED:
                return run.state
        if time.monotonic() >= deadline:
            raise RunFailed(f"run {run_id} has not ended within {timeout_s:.0f} s; it goes on")
        time.sleep(poll_s)


def _runnable(path: str) -> Spec:
    spec = load_spec(path)
    for finding in lint(spec, "kubeflow"):
        raise InputError(f"{path}:{finding.line}: {finding}")
    return spec


def _arguments(spec: Spec, given: Mapping[str, str], *, looks: bool = False) -> dict[str, str]:
    """The run's arguments; one that `looks`, or has other files than compiled, pins no content."""
    known = spec.parameters()
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = (
                f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(sorted(known))}."
            )
            raise InputError(f"--param {name}: {spec.path} has no such parameter. {hint}")
    looks = looks or bool({"manifest", "taxonomy"} & set(given))
    if not looks or _DIGEST not in known:
        return dict(given)
    _input_check(spec)
    return {**_UNKNOWN_CONTENT, **given}


def _input_check(spec: Spec) -> Task:
    for task in spec.tasks():
        if task.name == input_check_task.NAME:
            return task
    raise InputError(
        f"{spec.path}: no {input_check_task.NAME} among its tasks looks for new content. Compile "
        "the pipeline again, with `shelfsort compile`."
    )


def _value(parameter: Mapping[str, Any], arguments: Mapping[str, Any]) -> Any:
    """The value of a task's parameter: one of the run's, or a constant of the spec."""
    name = parameter.get("componentInputParameter")
    return arguments.get(name) if name else section(parameter, "runtimeValue").get("constant")


def _was_run(server: Server, experiment: str, digest: str) -> bool:
    states = []
    with _client(server) as client:
        found = client.create_experiment(experiment, namespace=server.namespace or None)
        page = ""
        while True:
            answer = client.list_runs(
                page_token=page,
                page_size=100,
                experiment_id=found.experiment_id,
                namespace=server.namespace or None,
            )
            for run in answer.runs or []:
                parameters = run.runtime_config.parameters if run.runtime_config else None
                if (parameters or {}).get(_DIGEST) == digest:
                    states.append(run.state)
            page = answer.next_page_token or ""
            if not page:
                break
    failed = [state for state in states if state in ("FAILED", "CANCELED")]
    return len(failed) < len(states) or len(failed) >= MAX_ATTEMPTS


def _summary(run: Any) -> str:
    details = run.run_details.task_details if run.run_details else None
    states = [task.state for task in details or []]
    ended = sum(state in ENDED for state in states)
    return f"{run.state or 'PENDING'}: {ended} of {len(states)} tasks ended"


@contextlib.contextmanager
def _client(server: Server) -> Iterator[Any]:
    """The server's client; what it raises becomes one of our errors, without token or headers."""
    with _silence():
        import kfp.client
        import kfp_server_api
        import urllib3

        try:
            _knock(server)
            yield kfp.client.Client(
                host=server.host,
                namespace=server.namespace or "kubeflow",
                existing_token=server.token or None,
            )
        except kfp_server_api.ApiException as error:
            if error.status in (401, 403):
                raise InputError(
                    f"{server.host}: refuses the token ({error.status}). Set {TOKEN_VARIABLE} to "
                    "a valid one."
                ) from None
            raise RunFailed(f"{server.host}: answers {error.status} {error.reason}") from None
        except (urllib3.exceptions.HTTPError, TimeoutError) as error:
            raise RunFailed(
                f"{server.host}: cannot be reached ({type(error).__name__}). Check --host"
            ) from None


def _knock(server: Server) -> None:
    """Asks for the server's health: the client itself would try five times and log the answers."""
    import kfp_server_api

    configuration = kfp_server_api.Configuration(host=server.host.rstrip("/"))
    if server.token:
        configuration.api_key["authorization"] = server.token
        configuration.api_key_prefix["authorization"] = "Bearer"
    with kfp_server_api.ApiClient(configuration) as client:
        ask_for_health(kfp_server_api.HealthzServiceApi(client))


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keeps the client's words to itself: it prints links, and logs whole answers."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
