"""The request of a Ground Truth job, checked against botocore's model of the service."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from shelfsort.core.errors import InputError
from shelfsort.core.storage import join
from shelfsort.labeling.jobs.settings import PUBLIC, GroundTruthSettings, JobSettings

_PUBLIC_TEAM = "arn:aws:sagemaker:{region}:394669845002:workteam/public-crowd/default"
_FREE_OF = ["FreeOfPersonallyIdentifiableInformation", "FreeOfAdultContent"]
_WAIT, _LONGEST_PUBLIC_WAIT = 3 * 86_400, 12 * 3600
# Unicode classes that Python's expressions have not, with what comes nearest.
_CLASSES = {r"\p{L}": r"\w", r"\p{N}": r"\d", r"\p{Z}": r"\s"}


def job_folder(job: JobSettings, place: GroundTruthSettings) -> str:
    """The folder that belongs to the job alone."""
    return join(place.folder, job.name)


def labeling_job_request(job: JobSettings, place: GroundTruthSettings) -> dict[str, Any]:
    """The parameters of `create_labeling_job`.

    Raises:
        InputError: a public workforce without a price or without a word on personal data, a price
            that cannot be paid, or tasks that would wait for a public workforce too long.
    """
    folder = job_folder(job, place)
    public = place.workforce == PUBLIC
    team = _PUBLIC_TEAM.format(region=place.region) if public else place.workforce
    task: dict[str, Any] = {
        "WorkteamArn": team,
        "UiConfig": {"UiTemplateS3Uri": join(folder, "template.html")},
        "TaskTitle": job.title,
        "TaskDescription": job.description,
        "NumberOfHumanWorkersPerDataObject": job.workers,
        "TaskTimeLimitInSeconds": place.time_limit,
        "TaskAvailabilityLifetimeInSeconds": _wait(place, public),
        "MaxConcurrentTaskCount": place.at_once,
    }
    if job.keywords:
        task["TaskKeywords"] = list(job.keywords)
    if place.pre_annotation:
        task["PreHumanTaskLambdaArn"] = place.pre_annotation
    if place.post_annotation:
        arn = place.post_annotation
        task["AnnotationConsolidationConfig"] = {"AnnotationConsolidationLambdaArn": arn}
    source: dict[str, Any] = {
        "DataSource": {"S3DataSource": {"ManifestS3Uri": join(folder, "input.manifest")}}
    }
    if public:
        _refuse_personal_data(place)
        task["PublicWorkforceTaskPrice"] = {"AmountInUsd": task_price(job.price)}
        source["DataAttributes"] = {"ContentClassifiers": list(_FREE_OF)}
    output = {"S3OutputPath": join(folder, "output") + "/"}
    request: dict[str, Any] = {
        "LabelingJobName": job.name,
        "LabelAttributeName": job.attribute,
        "InputConfig": source,
        "OutputConfig": output | ({"KmsKeyId": place.kms_key} if place.kms_key else {}),
        "RoleArn": place.role,
        "HumanTaskConfig": task,
    }
    if place.tags:
        request["Tags"] = [{"Key": key, "Value": value} for key, value in place.tags.items()]
    return request


def _wait(place: GroundTruthSettings, public: bool) -> int:
    """Seconds for which a task waits for workers."""
    if place.available_for is None:
        return _LONGEST_PUBLIC_WAIT if public else _WAIT
    if public and place.available_for > _LONGEST_PUBLIC_WAIT:
        raise InputError(
            f"ground_truth.available_for: {place.available_for:,} s, and a public workforce has at "
            "most 12 hours. Write 12h or less."
        )
    return place.available_for


def task_price(price: Decimal) -> dict[str, int]:
    """A price as the request has it.

    Raises:
        InputError: the price is 0, or no whole number of tenths of a cent.
    """
    tenths = price * 1000
    if tenths <= 0 or tenths != tenths.to_integral_value():
        raise InputError(
            f"price: {price} cannot be paid to a public workforce. Give tenths of a cent, as 0.048."
        )
    cents, tenth = divmod(int(tenths), 10)
    dollars, cents = divmod(cents, 100)
    return {"Dollars": dollars, "Cents": cents, "TenthFractionsOfACent": tenth}


def refuse_invalid(request: Mapping[str, Any]) -> None:
    """Checks names, types, required parts, lengths, ranges, patterns and choices of a request.

    Raises:
        InputError: the first thing that the service would refuse, or botocore is not installed.
    """
    shape = _request_shape()
    from botocore.validate import ParamValidator

    report = ParamValidator().validate(request, shape)
    if report.has_errors():
        said = " ".join(report.generate_report().splitlines()[0].split())
        raise InputError(f"the request: {said}. Correct the settings.")
    for said in _faults(request, shape, ""):
        raise InputError(f"the request: {said}. Correct the settings.")


@cache
def _request_shape() -> Any:
    """botocore's description of the request. Raises InputError where it is not installed."""
    try:
        from botocore.session import get_session
    except ModuleNotFoundError as missing:
        raise InputError(
            f"needs the package {missing.name!r}. Run: pip install 'shelfsort[labels,aws]'"
        ) from missing
    service = get_session().get_service_model("sagemaker")
    return service.operation_model("CreateLabelingJob").input_shape


def _faults(value: Any, shape: Any, name: str) -> Iterator[str]:
    """What botocore's own check passes over: most lengths, largest numbers, patterns, choices."""
    if shape.type_name == "structure":
        for key, each in value.items():
            yield from _faults(each, shape.members[key], f"{name}.{key}".lstrip("."))
        return
    limits = shape.metadata
    if shape.type_name == "list":
        for each in value:
            yield from _faults(each, shape.member, f"{name}[]")
        size, what = len(value), "entries"
    elif shape.type_name == "string":
        size, what = len(value), "characters"
        pattern = limits.get("pattern")
        if pattern and not re.fullmatch(_translated(pattern), value):
            yield f"{name} is {value!r}, which does not fit {pattern}"
        if limits.get("enum") and value not in limits["enum"]:
            yield f"{name} is {value!r}, which is none of {', '.join(limits['enum'])}"
    else:
        size, what = value, "as its value"
    if size > limits.get("max", size):
        yield f"{name} has {size:,} {what}, at most {limits['max']:,}"


def _translated(pattern: str) -> str:
    for unicode, python in _CLASSES.items():
        pattern = pattern.replace(unicode, python)
    return pattern


def _refuse_personal_data(place: GroundTruthSettings) -> None:
    if place.personal_data != "none":
        raise InputError(
            "ground_truth.personal_data: strangers will see the products. Look at them, and write "
            "'none' if texts and images show no names, addresses or faces."
        )
