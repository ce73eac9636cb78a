"""Beam's pipeline options: checked when they are read, and given to each component that uses Beam.

Beam drops an option that it does not know without a word: `--runer=FlinkRunner` would run on this
machine, and nobody would see why. Beam is imported where it is asked, which takes seconds.
"""

import argparse
import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline.locations import STAGED_SCHEMES
from shelfsort.core.errors import InputError
from shelfsort.core.storage import scheme

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

    from pipeline.settings import BeamConfig

WORKER_IMAGE = "shelfsort"
"""What the worker image is called where no runner asks for it by name."""

_SECRETS = {
    "--s3_access_key_id": "AWS_ACCESS_KEY_ID",
    "--s3_secret_access_key": "AWS_SECRET_ACCESS_KEY",
    "--s3_session_token": "AWS_SESSION_TOKEN",
    "--azure_connection_string": "AZURE_STORAGE_CONNECTION_STRING",
}
_JOB_SERVER_RUNNERS = frozenset({"PortableRunner", "FlinkRunner", "SparkRunner", "PrismRunner"})
_LOOKALIKE = 0.75


def check_beam_args(args: Sequence[str], where: str) -> None:
    """Refuses what Beam would ignore, misread, or write down though it is secret.

    Args:
        args: pipeline options, each `--name=value`, `--name`, or the value of the one before.
        where: the setting they come from, for the message.

    Raises:
        InputError: names the option, and the nearest known one.
    """
    for arg in args:
        name = arg.partition("=")[0]
        if name in _SECRETS:
            raise InputError(
                f"{where}: {name} would be written into specs and logs. Leave it out, and set "
                f"{_SECRETS[name]} in the environment of the workers."
            )
    parser = _parser(where)
    options, unknown = parser.parse_known_args(list(args))
    # Job servers have options of their own, which Beam passes on and cannot list beforehand.
    lenient = _known_runner(options.runner, where) in _JOB_SERVER_RUNNERS
    for arg in unknown:
        name = arg.partition("=")[0]
        if not name.startswith("--"):
            raise InputError(f"{where}: {arg!r} is no option. Write each as --name=value.")
        near = difflib.get_close_matches(name, parser.flags(), n=1, cutoff=_LOOKALIKE)
        if near or not lenient:
            hint = f"Did you mean {near[0]}?" if near else "Leave it out."
            raise InputError(f"{where}: Beam has no option {name}. {hint}")


def component_args(component: str, config: "BeamConfig", image: str = "") -> list[str]:
    """The options that a component is started with.

    Args:
        component: its id; its own options stand in place of the common ones.
        config: the settings.
        image: of the workers, where the runner starts containers and the settings name none.

    Raises:
        InputError: the runner starts containers, and nothing says of which image.
    """
    from apache_beam.options import pipeline_options as groups

    args = list(config.components.get(component, config.args))
    options = groups.PipelineOptions(args)
    portable = options.view_as(groups.PortableOptions)
    named = portable.environment_config or portable.environment_options
    if _environment(options) == "DOCKER" and not named:
        args.append(_image_option("--environment_config", component, image))
    setup = options.view_as(groups.SetupOptions)
    worker_image = options.view_as(groups.WorkerOptions).sdk_container_image
    if worker_image or setup.setup_file or setup.requirements_file or setup.extra_packages:
        return args
    if _runner(options) != "DataflowRunner":
        # Without an image TFX packs up its own sources for each step, and workers install them
        # with pip. Ours have TFX; no other runner takes any notice of the name.
        image = image or WORKER_IMAGE
    return [*args, _image_option("--sdk_container_image", component, image)]


def check_shared_root(component: str, args: Sequence[str], root: str) -> None:
    """Refuses a pipeline root that the workers of a component could not open.

    Raises:
        InputError: they run on other machines, and artifacts would lie on the step's own disk.
    """
    from apache_beam.options.pipeline_options import PipelineOptions

    runner, store = _runner(PipelineOptions(list(args))), scheme(root)
    elsewhere = runner in _JOB_SERVER_RUNNERS and works_elsewhere(args)
    if (elsewhere and store in STAGED_SCHEMES) or (runner == "DataflowRunner" and store != "gs"):
        remedy = "a gs:// address" + (" or a folder that all of them mount" if elsewhere else "")
        raise InputError(
            f"beam: workers of {component} run on other machines ({runner}) and cannot open "
            f"artifacts beneath {root}. Give {remedy} as the root."
        )


def works_elsewhere(args: Sequence[str]) -> bool:
    """Whether the runner that the options name has workers on other machines."""
    from apache_beam.options.pipeline_options import PipelineOptions

    options = PipelineOptions(list(args))
    runner = _runner(options)
    if runner in _JOB_SERVER_RUNNERS:
        return _environment(options) != "LOOPBACK"
    return runner == "DataflowRunner"


def _image_option(option: str, component: str, image: str) -> str:
    if not image:
        raise InputError(
            f"beam: the runner of {component} starts containers. "
            f"Name their image with {option}=REGISTRY/IMAGE@sha256:DIGEST."
        )
    return f"{option}={image}"


def _runner(options: "PipelineOptions") -> str:
    from apache_beam.options.pipeline_options import StandardOptions

    return _known_runner(options.view_as(StandardOptions).runner, "beam.args")


def _known_runner(name: str | None, where: str) -> str:
    """The class of a runner by the names that Beam takes: any case, `Runner` left out, a path."""
    from apache_beam.options.pipeline_options import StandardOptions

    name = name or StandardOptions.DEFAULT_RUNNER
    if "." in name:
        return name.rpartition(".")[2]
    known = {each.lower(): each for each in StandardOptions.KNOWN_RUNNER_NAMES}
    found = known.get(name.lower()) or known.get(f"{name.lower()}runner")
    if found is None:
        near = difflib.get_close_matches(name, known.values(), n=1, cutoff=0)
        raise InputError(f"{where}: Beam has no runner {name!r}. Did you mean {near[0]!r}?")
    return found


def _environment(options: "PipelineOptions") -> str:
    """How workers are started; "" where that is the runner's own affair."""
    from apache_beam.options.pipeline_options import PortableOptions

    given = (options.view_as(PortableOptions).environment_type or "").upper()
    if given or _runner(options) != "PortableRunner":
        return given
    return "DOCKER"


class _Parser(argparse.ArgumentParser):
    """All option groups of Beam in one parser, which raises instead of ending the process."""

    def __init__(self, where: str):
        super().__init__(add_help=False, allow_abbrev=False, conflict_handler="resolve")
        self._where = where

    def add_value_provider_argument(self, *names: str, **settings: object) -> None:
        """What option groups call for options of templates; here they are options as any."""
        self.add_argument(*names, **settings)

    def error(self, message: str) -> None:
        raise InputError(f"{self._where}: {message}. Fix the option.")

    def flags(self) -> list[str]:
        return [flag for flag in self._option_string_actions if flag.startswith("--")]


def _parser(where: str) -> _Parser:
    from apache_beam.options.pipeline_options import PipelineOptions

    parser = _Parser(where)
    for group in PipelineOptions.__subclasses__():
        group._add_argparse_args(parser)
    return parser
