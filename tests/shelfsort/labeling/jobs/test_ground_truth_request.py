from dataclasses import replace
from decimal import Decimal

import pytest

from shelfsort.core.errors import InputError
from shelfsort.labeling.jobs.ground_truth_request import (
    labeling_job_request,
    refuse_invalid,
    task_price,
)
from shelfsort.labeling.jobs.settings import GroundTruthSettings, JobSettings

LAMBDA = "arn:aws:lambda:eu-west-1:111111111111:function:shelfsort-"
PLACE = GroundTruthSettings(
    folder="s3://shop/jobs",
    template="template.html",
    role="arn:aws:iam::111111111111:role/GroundTruth",
    workforce="arn:aws:sagemaker:eu-west-1:111111111111:workteam/private-crowd/shop",
    region="eu-west-1",
)
JOB = JobSettings("shelf-1", "input.manifest", Decimal("0.048"), Decimal("0.08"))
PUBLIC = replace(PLACE, workforce="public", personal_data="none")


def test_a_request_names_the_folder_of_the_job_alone():
    request = labeling_job_request(JOB, PLACE)
    refuse_invalid(request)
    assert request == {
        "LabelingJobName": "shelf-1",
        "LabelAttributeName": "category",
        "InputConfig": {
            "DataSource": {
                "S3DataSource": {"ManifestS3Uri": "s3://shop/jobs/shelf-1/input.manifest"}
            }
        },
        "OutputConfig": {"S3OutputPath": "s3://shop/jobs/shelf-1/output/"},
        "RoleArn": PLACE.role,
        "HumanTaskConfig": {
            "WorkteamArn": PLACE.workforce,
            "UiConfig": {"UiTemplateS3Uri": "s3://shop/jobs/shelf-1/template.html"},
            "TaskTitle": JOB.title,
            "TaskDescription": JOB.description,
            "TaskKeywords": ["product", "category", "image"],
            "NumberOfHumanWorkersPerDataObject": 3,
            "TaskTimeLimitInSeconds": 600,
            "TaskAvailabilityLifetimeInSeconds": 259_200,
            "MaxConcurrentTaskCount": 1000,
        },
    }


def test_lambdas_tags_and_a_key_are_optional():
    place = replace(
        PLACE,
        pre_annotation=LAMBDA + "pre",
        post_annotation=LAMBDA + "post",
        kms_key="arn:aws:kms:eu-west-1:111111111111:key/1",
        tags={"Team für Regale": "ü"},
    )
    request = labeling_job_request(JOB, place)
    refuse_invalid(request)
    task = request["HumanTaskConfig"]
    assert task["PreHumanTaskLambdaArn"] == LAMBDA + "pre"
    assert task["AnnotationConsolidationConfig"] == {
        "AnnotationConsolidationLambdaArn": LAMBDA + "post"
    }
    assert request["OutputConfig"]["KmsKeyId"] == place.kms_key
    assert request["Tags"] == [{"Key": "Team für Regale", "Value": "ü"}]


def test_strangers_are_paid_and_see_no_personal_data():
    request = labeling_job_request(JOB, PUBLIC)
    refuse_invalid(request)
    task = request["HumanTaskConfig"]
    assert task["WorkteamArn"].endswith("394669845002:workteam/public-crowd/default")
    assert task["TaskAvailabilityLifetimeInSeconds"] == 43_200
    assert task["PublicWorkforceTaskPrice"]["AmountInUsd"] == {
        "Dollars": 0,
        "Cents": 4,
        "TenthFractionsOfACent": 8,
    }
    assert len(request["InputConfig"]["DataAttributes"]["ContentClassifiers"]) == 2
    with pytest.raises(InputError, match="personal_data"):
        labeling_job_request(JOB, replace(PUBLIC, personal_data=""))


@pytest.mark.parametrize(
    ("price", "parts"),
    [("1.236", (1, 23, 6)), ("0.012", (0, 1, 2)), ("2", (2, 0, 0)), ("0.10", (0, 10, 0))],
)
def test_a_price_is_dollars_cents_and_tenths(price, parts):
    assert tuple(task_price(Decimal(price)).values()) == parts


@pytest.mark.parametrize("price", ["0", "0.0484"])
def test_a_price_that_cannot_be_paid_is_refused(price):
    with pytest.raises(InputError, match="cannot be paid"):
        task_price(Decimal(price))


@pytest.mark.parametrize(
    ("job", "place", "said"),
    [
        (replace(JOB, title="x" * 129), PLACE, "TaskTitle has 129 characters, at most 128"),
        (replace(JOB, keywords=("a",) * 6), PLACE, "TaskKeywords has 6 entries, at most 5"),
        (replace(JOB, keywords=("no-hyphens",)), PLACE, "TaskKeywords.. is 'no-hyphens'"),
        (replace(JOB, attribute="my_label"), PLACE, "LabelAttributeName is 'my_label'"),
        (JOB, replace(PLACE, role="admin"), "RoleArn"),
        (JOB, replace(PLACE, workforce="team"), "WorkteamArn is 'team'"),
        (JOB, replace(PLACE, at_once=5001), "MaxConcurrentTaskCount has 5,001"),
        (JOB, replace(PLACE, time_limit=10), "TaskTimeLimitInSeconds"),
        (replace(JOB, price=Decimal(3)), PUBLIC, "Dollars has 3 as its value, at most 2"),
        (replace(JOB, description=""), PLACE, "TaskDescription"),
    ],
)
def test_what_the_service_would_refuse_is_refused_before(job, place, said):
    with pytest.raises(InputError, match=said):
        refuse_invalid(labeling_job_request(job, place))


def test_a_public_workforce_has_twelve_hours():
    longest = replace(PUBLIC, available_for=43_200)
    task = labeling_job_request(JOB, longest)["HumanTaskConfig"]
    assert task["TaskAvailabilityLifetimeInSeconds"] == 43_200
    with pytest.raises(InputError, match="available_for"):
        labeling_job_request(JOB, replace(PUBLIC, available_for=43_201))
