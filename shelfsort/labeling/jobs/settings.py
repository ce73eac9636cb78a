"""The settings of a labelling job: one small YAML file for Ground Truth and Label Studio."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any

import pydantic
from pydantic import Field

from shelfsort.core.errors import InputError
from shelfsort.core.settings import validated
from shelfsort.core.yaml import read_mapping
from shelfsort.labeling.pages.written import FIELDS
from shelfsort.products.tables.rows import CATEGORY

PUBLIC = "public"
"""The workforce of strangers, Amazon Mechanical Turk."""
_DURATION = re.compile(r"(\d{1,6})\s*([smhd]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


def _duration(value: Any) -> Any:
    found = _DURATION.fullmatch(str(value).strip())
    if not found:
        raise ValueError("write a duration such as 10m, 2h or 3d")
    return int(found[1]) * _SECONDS[found[2]]


def _unsigned(amount: Decimal) -> Decimal:
    if amount.is_signed():
        raise ValueError("has a sign; write 0")
    return amount


Duration = Annotated[int, pydantic.BeforeValidator(_duration)]
Money = Annotated[
    Decimal, Field(ge=0, max_digits=12, decimal_places=4), pydantic.AfterValidator(_unsigned)
]
# Else `true` would be 1.
Whole = Annotated[int, Field(strict=True)]
_STRICT = pydantic.ConfigDict(extra="forbid")


@dataclass(frozen=True)
class GroundTruthSettings:
    """Where and how a Ground Truth job runs.

    Attributes:
        folder: Address in S3. The job gets a folder of its own in it, by its name.
        template: Template of the page, as `labels template` writes it.
        role: ARN of the role that Ground Truth assumes.
        workforce: ARN of a work team, or `public` for Amazon Mechanical Turk.
        region: Of the job, such as `eu-west-1`.
        pre_annotation: ARN of the Lambda function before a task, "" for none.
        post_annotation: ARN of the Lambda function after a task, "" for none.
        time_limit: Seconds in which a worker has to finish a task, at most 8 hours.
        available_for: Seconds for which a task waits for workers, at most 30 days, or 12 hours for
            a public workforce; None for 3 days, or these 12 hours.
        at_once: Largest number of products that wait for workers at one time.
        personal_data: `none` confirms that texts and images show no personal data. A public
            workforce needs it.
        kms_key: That encrypts the output, "" for the bucket's own.
        tags: Of the job.
    """

    __pydantic_config__ = _STRICT

    folder: Annotated[str, Field(pattern=r"^s3://[^/]+(/.*)?$")]
    template: str
    role: str
    workforce: str
    region: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    pre_annotation: str = ""
    post_annotation: str = ""
    time_limit: Annotated[Duration, Field(ge=30, le=8 * 3600)] = 600
    available_for: Annotated[Duration, Field(ge=60, le=30 * 86_400)] | None = None
    at_once: Annotated[Whole, Field(ge=1)] = 1000
    personal_data: str = ""
    kms_key: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LabelStudioSettings:
    """Where the projects of a Label Studio job are.

    Attributes:
        url: Of the server, such as `http://localhost:8080`.
        config: Labelling configuration, as `labels template --for label-studio` writes it.
        fields: That people see of a product.
    """

    __pydantic_config__ = _STRICT

    url: Annotated[str, Field(pattern=r"^https?://[^/?#]+(/[^?#]*)?$")]
    config: str
    fields: tuple[str, ...] = FIELDS


@dataclass(frozen=True)
class JobSettings:
    """A labelling job.

    Attributes:
        name: Unlike that of any other job.
        manifest: Input manifest, as `labels manifest` writes it.
        workers: Number of people who are asked about each product.
        price: Paid for one answer, in dollars.
        fee: Of the service for each product, in dollars. See its price list.
        title: Of the job, as workers see it.
        description: Of the job, as workers see it.
        keywords: By which workers find the job.
        attribute: Label attribute of the output.
        ground_truth: Where and how it runs in Ground Truth.
        label_studio: Where it runs in Label Studio.
    """

    __pydantic_config__ = _STRICT

    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$")]
    manifest: str
    price: Money
    fee: Money
    workers: Annotated[Whole, Field(ge=1, le=9)] = 3
    title: str = "Choose the category of a product"
    description: str = "Look at the image and the title, and choose the category that fits best."
    keywords: tuple[str, ...] = ("product", "category", "image")
    attribute: str = CATEGORY
    ground_truth: GroundTruthSettings | None = None
    label_studio: LabelStudioSettings | None = None


def load_job(file: str) -> JobSettings:
    """Reads the settings.

    Raises:
        InputError: the file is no YAML, or a setting is unknown, missing or does not fit.
    """
    job = validated(JobSettings, file, read_mapping(file))
    if job.ground_truth is None and job.label_studio is None:
        raise InputError(f"{file}: no ground_truth and no label_studio. Add one of the sections.")
    return job
