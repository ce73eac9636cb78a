"""All models of a server: their configuration, the watch on their folders, and their handles."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from tensorflow_serving.apis import model_pb2

from serving.server.config import ModelConfig, ServerOptions, check_models
from serving.server.servable import Servable
from serving.server.storage import list_versions
from serving.server.versions import ModelVersions, State, VersionStatus
from serving.status import failed_precondition, invalid_argument, not_found

logger = logging.getLogger("shelfsort.serving")

Loader = Callable[[str, int, str], Servable]


class ModelsUnavailable(Exception):  # noqa: N818 - a state, which may pass
    """The first load ended, and some models cannot be served."""


class ModelManager:
    """Keeps what is loaded in step with the configuration and with what lies in the folders.

    Args:
        load: makes a servable of (model, version, path), warmed up, or raises.
        options: the server's.
    """

    def __init__(self, load: Loader, options: ServerOptions):
        self._load = load
        self._options = options
        self._stop = threading.Event()
        self._lock = threading.Lock()
        # One at a time: a look at the folders that began under an old configuration must not
        # have the last word.
        self._aspiring = threading.Lock()
        self._bringing_up = threading.Lock()
        self._configs: dict[str, ModelConfig] = {}
        self._models: dict[str, ModelVersions] = {}
        self._warned: set[str] = set()
        self._watcher: threading.Thread | None = None

    @property
    def configs(self) -> list[ModelConfig]:
        """The models that are configured, in their order."""
        with self._lock:
            return list(self._configs.values())

    def configure(self, models: Sequence[ModelConfig]) -> None:
        """Replaces the whole configuration; models that are left out are unloaded.

        Raises:
            ServingError: INVALID_ARGUMENT, and nothing has changed.
        """
        check_models(models)
        with self._aspiring:
            dropped = set(self._configs) - {model.name for model in models}
            self._set_configs(models)
            for name in dropped:
                self._models[name].aspire({})
        self.poll()

    def _set_configs(self, models: Sequence[ModelConfig]) -> None:
        with self._lock:
            self._configs = {model.name: model for model in models}
            for model in models:
                if model.name not in self._models:
                    self._models[model.name] = self._new(model.name)

    def bring_up(
        self,
        models: Sequence[ModelConfig],
        seconds: float | None = None,
        given_up: threading.Event | None = None,
    ) -> None:
        """`configure`, and back when all models have a version that answers.

        A label counts from then on: until its version answers, it keeps its former meaning.

        Args:
            seconds: to wait at most, for an earlier call of this too; None waits for a first
                version to be pushed.
            given_up: once set, nobody waits for it any more, and it comes back.

        Raises:
            ServingError: INVALID_ARGUMENT as `configure`; FAILED_PRECONDITION when a label names
                a version that is not available.
            ModelsUnavailable: all that was found of a model ended with an error, or time is up.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        given_up = given_up or threading.Event()
        if not self._bringing_up.acquire(timeout=-1 if seconds is None else max(0.0, seconds)):
            raise ModelsUnavailable("another configuration is being applied")
        try:
            labels = {config.name: config.labels for config in self.configs}
            self.configure([replace(model, labels=labels.get(model.name, {})) for model in models])
            self._wait_until_available(deadline, given_up)
            self._check_labels(models)
            self._set_configs(models)
        finally:
            self._bringing_up.release()

    def poll(self) -> None:
        """Looks at every model's folder once."""
        with self._aspiring:
            for config in self.configs:
                self._look(config)

    def _look(self, config: ModelConfig) -> None:
        try:
            found = list_versions(config.base_path)
        except OSError as error:
            # What is served stays: a share that is away for a minute is no order to stop.
            self._warn(config, f"{config.base_path} cannot be listed: {error}")
            return
        if not found:
            # An unmounted share leaves an empty folder behind. Whatever is served stays, too.
            self._warn(config, f"no versions found under {config.base_path}")
            return
        self._warned.discard(config.name)
        chosen = config.policy.choose(found)
        self._models[config.name].aspire({number: found[number] for number in chosen})

    def _warn(self, config: ModelConfig, what: str) -> None:
        """Logs what is wrong with a model's folder, once until it is right again."""
        if config.name not in self._warned:
            self._warned.add(config.name)
            logger.warning("%s: %s", config.name, what)

    def watch(self) -> None:
        """Polls from now on, in a thread, until `close`; not at all when the interval is 0."""
        if self._options.poll_seconds > 0 and self._watcher is None:
            self._watcher = threading.Thread(target=self._poll_forever, name="poll", daemon=True)
            self._watcher.start()

    def _wait_until_available(self, deadline: float | None, given_up: threading.Event) -> None:
        waiting = [self._models[config.name] for config in self.configs]
        while not self._stop.is_set() and not given_up.is_set():
            waiting = [model for model in waiting if not model.wait_settled(0.05)]
            if not waiting:
                break
            if deadline is not None and time.monotonic() > deadline:
                break
        self._raise_failures(waiting)

    def _raise_failures(self, unsettled: Sequence[ModelVersions]) -> None:
        reasons = []
        for config in self.configs:
            failed = self._models[config.name].failures()
            if failed:
                errors = "; ".join(f"version {f.version}: {f.error}" for f in failed)
                reasons.append(f"{{{config.name} due to error: {errors}}}")
            elif self._models[config.name] in unsettled:
                reasons.append(f"{{{config.name} due to error: no version in time}}")
        if reasons:
            raise ModelsUnavailable(
                f"{len(reasons)} model(s) did not become available: {{{', '.join(reasons)}}}"
            )

    @contextlib.contextmanager
    def use(self, spec: model_pb2.ModelSpec) -> Iterator[tuple[int, Servable]]:
        """The version that a ModelSpec asks for, kept loaded meanwhile.

        Raises:
            ServingError: INVALID_ARGUMENT without a name or for an unknown label, NOT_FOUND when
                no such version is available.
        """
        if not spec.name:
            raise invalid_argument("ModelSpec has no name specified.")
        number = self._requested_version(spec)
        model = self._models.get(spec.name)
        wanted = f"Latest({spec.name})" if number is None else f"Specific({spec.name}, {number})"
        with contextlib.ExitStack() as stack:
            found = stack.enter_context(model.use(number)) if model else None
            if found is None:
                raise not_found(f"Servable not found for request: {wanted}")
            yield found

    def _requested_version(self, spec: model_pb2.ModelSpec) -> int | None:
        choice = spec.WhichOneof("version_choice")
        if choice == "version":
            return spec.version.value
        if choice == "version_label":
            config = self._configs.get(spec.name)
            if config is None or spec.version_label not in config.labels:
                raise invalid_argument(f"Unrecognized servable version label: {spec.version_label}")
            return config.labels[spec.version_label]
        return None

    @property
    def names(self) -> list[str]:
        """Of all models that are, or once were, configured."""
        return list(self._models)

    def knows(self, name: str) -> bool:
        """Whether a model of that name is, or once was, configured."""
        return name in self._models

    def status(self, name: str, version: int | None) -> list[VersionStatus]:
        """The states of a model's versions, newest first, or of one of them.

        Raises:
            ServingError: NOT_FOUND when the server has never seen it.
        """
        model = self._models.get(name)
        known = model.status() if model else []
        if version is not None:
            known = [entry for entry in known if entry.version == version]
            if not known:
                raise not_found(f"Could not find version {version} of model {name}")
        if not known:
            raise not_found(f"Could not find any versions of model {name}")
        return known

    def available(self) -> dict[str, list[int]]:
        """The versions that answer, highest first, by model."""
        return {
            config.name: [
                entry.version
                for entry in self._models[config.name].status()
                if entry.state is State.AVAILABLE
            ]
            for config in self.configs
        }

    def close(self, seconds: float | None = None) -> None:
        """Stops watching and unloads everything, each model after its last call.

        Args:
            seconds: to wait at most, for a folder that does not answer and for calls; None waits
                on.
        """
        ends = None if seconds is None else time.monotonic() + seconds

        def left() -> float | None:
            return None if ends is None else max(0.0, ends - time.monotonic())

        self._stop.set()
        if self._watcher is not None:
            self._watcher.join(left())
        for model in self._models.values():
            model.close(left())

    def _new(self, name: str) -> ModelVersions:
        def load(version: int, path: str) -> Servable:
            return self._load(name, version, path)

        return ModelVersions(name, load, self._options, self._stop)

    def _poll_forever(self) -> None:
        while not self._stop.wait(self._options.poll_seconds):
            try:
                self.poll()
            # If the watch ended here, nobody would notice that new versions are not loaded.
            except Exception:
                logger.exception("The watch on the models' folders failed; it goes on")

    def _check_labels(self, models: Sequence[ModelConfig]) -> None:
        if self._options.labels_for_unavailable:
            return
        for model in models:
            for version in model.labels.values():
                if not self._models[model.name].is_available(version):
                    raise failed_precondition(
                        f"Request to assign label to version {version} of model {model.name}, "
                        "which is not currently available for inference"
                    )
