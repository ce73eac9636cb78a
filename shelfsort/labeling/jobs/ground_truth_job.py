"""Submits a Ground Truth job and follows it."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from shelfsort.core import storage
from shelfsort.core.errors import InputError, RunFailed
from shelfsort.core.files import write_json
from shelfsort.core.storage import absolute, files_beneath, join

_POLL_SECONDS = 30.0
_ENDED = frozenset({"Completed", "Failed", "Stopped"})


@dataclass(frozen=True)
class State:
    """How far a job is.

    Attributes:
        status: as the service calls it, such as `InProgress`.
        labelled, unlabelled, failed: numbers of products.
        output: address of the output manifest, "" while there is none.
        reason: of a failure, "" for none.
    """

    status: str
    labelled: int = 0
    unlabelled: int = 0
    failed: int = 0
    output: str = ""
    reason: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in _ENDED


def sagemaker_client(region: str) -> Any:
    """boto3's client. Raises InputError where boto3 is not installed."""
    try:
        import boto3
    except ModuleNotFoundError as missing:
        raise InputError(
            f"needs the package {missing.name!r}. Run: pip install 'shelfsort[labels,aws]'"
        ) from missing
    return boto3.client("sagemaker", region_name=region)


def submit(
    client: Any, request: Mapping[str, Any], folder: str, manifest: str, template: str
) -> str:
    """Copies the input into the folder of the job, and creates the job; returns its ARN.

    The folder keeps the request as `request.json`. If the service refuses the request, the folder
    is left empty, so the job can be submitted again.

    Raises:
        InputError: the folder has files: a job has this name already.
        RunFailed: the service refuses.
    """
    try:
        used = files_beneath(folder)
    except FileNotFoundError:
        used = []
    if used:
        raise InputError(f"{folder}: has files of a job of this name. Choose another name.")
    places = {
        join(folder, "input.manifest"): absolute(manifest),
        join(folder, "template.html"): absolute(template),
    }
    for target, source in places.items():
        storage.copy(source, target)
    kept = join(folder, "request.json")
    write_json(kept, dict(request))
    try:
        with _one_line("the job was not created"):
            return str(client.create_labeling_job(**request)["LabelingJobArn"])
    except RunFailed:
        for target in (*places, kept):
            storage.remove(target)
        raise


def state(client: Any, name: str) -> State:
    """How far the job is. Raises RunFailed where the service cannot say."""
    with _one_line(f"{name} cannot be followed"):
        said = client.describe_labeling_job(LabelingJobName=name)
    counters = said.get("LabelCounters", {})
    return State(
        said["LabelingJobStatus"],
        counters.get("TotalLabeled", 0),
        counters.get("Unlabeled", 0),
        counters.get("FailedNonRetryableError", 0),
        said.get("LabelingJobOutput", {}).get("OutputDatasetS3Uri", ""),
        said.get("FailureReason", ""),
    )


def follow(client: Any, name: str, sleep: Callable[[float], None] = time.sleep) -> Iterator[State]:
    """Each new state of the job until it has ended. Raises RunFailed as `state` does."""
    last = None
    while True:
        now = state(client, name)
        if now != last:
            yield now
        if now.ended:
            return
        last = now
        sleep(_POLL_SECONDS)


@contextmanager
def _one_line(what: str) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise RunFailed(f"{what}: {' '.join(str(error).split())}") from error
