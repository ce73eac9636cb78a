import json

import boto3
import fsspec
import pytest
from botocore.stub import Stubber
from click.testing import CliRunner

from shelfsort.cli.labels.command import labels
from shelfsort.core.errors import InputError, RunFailed
from shelfsort.core.storage import files_beneath
from shelfsort.labeling.jobs import ground_truth_job
from shelfsort.labeling.jobs.ground_truth_request import labeling_job_request
from shelfsort.labeling.jobs.settings import load_job
from tests.shelfsort.labeling.jobs.conftest import GROUND_TRUTH, LINES

ARN = "arn:aws:sagemaker:eu-west-1:111111111111:labeling-job/shelf-1"


@pytest.fixture
def service(monkeypatch):
    """botocore's Stubber of SageMaker, in place of the service."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    client = boto3.client("sagemaker", region_name="eu-west-1")
    monkeypatch.setattr(ground_truth_job, "sagemaker_client", lambda region: client)
    monkeypatch.setattr(ground_truth_job, "_POLL_SECONDS", 0)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def run(path, *arguments, **settings):
    return CliRunner().invoke(labels, ["job", str(path), *arguments], **settings)


def described(status, labelled, **others):
    return {
        "LabelingJobStatus": status,
        "LabelCounters": {"TotalLabeled": labelled, "Unlabeled": 2 - labelled},
        "LabelingJobName": "shelf-1",
        "LabelingJobArn": ARN,
        "JobReferenceCode": "x",
        "CreationTime": 0,
        "LastModifiedTime": 0,
        "InputConfig": {"DataSource": {}},
        "OutputConfig": {"S3OutputPath": "s3://shop/x"},
        "RoleArn": "arn:aws:iam::111111111111:role/x",
        "HumanTaskConfig": labeling_task(),
        **others,
    }


def labeling_task():
    return {
        "WorkteamArn": "arn:aws:sagemaker:eu-west-1:111111111111:workteam/private-crowd/x",
        "UiConfig": {},
        "TaskTitle": "T",
        "TaskDescription": "D",
        "NumberOfHumanWorkersPerDataObject": 1,
        "TaskTimeLimitInSeconds": 60,
    }


def test_a_job_is_costed_and_nothing_is_sent(job_file, service):
    result = run(job_file())
    assert result.exception is None, result.exception
    assert result.output.splitlines() == [
        "answers: 2 products x 3 workers x $0.048 = $0.288",
        "fee: 2 products x $0.08 = $0.16",
        "total: $0.448",
    ]


@pytest.mark.slow
def test_a_job_is_submitted_once_and_followed(job_file, service, s3_bucket):
    path = job_file(store=s3_bucket)
    job = load_job(str(path))
    request = labeling_job_request(job, job.ground_truth)
    output = {"OutputDatasetS3Uri": f"{s3_bucket}/out.manifest"}
    service.add_response("create_labeling_job", {"LabelingJobArn": ARN}, request)
    for answer in (
        described("Initializing", 0),
        described("InProgress", 1),
        described("InProgress", 1),
        described("Completed", 2, LabelingJobOutput=output),
    ):
        service.add_response("describe_labeling_job", answer, {"LabelingJobName": "shelf-1"})
    result = run(path, "--submit", "--yes", "--follow")
    assert result.exception is None, result.exception
    assert result.output.splitlines()[3:] == [
        f"Submitted: {ARN}",
        "Initializing: 0 labelled, 2 waiting, 0 failed",
        "InProgress: 1 labelled, 1 waiting, 0 failed",
        "Completed: 2 labelled, 0 waiting, 0 failed",
        f"Output: {s3_bucket}/out.manifest",
    ]
    folder = f"{s3_bucket}/jobs/shelf-1"
    with fsspec.open(f"{folder}/input.manifest") as stream:
        assert [json.loads(line) for line in stream] == LINES
    with fsspec.open(f"{folder}/request.json") as stream:
        assert json.load(stream) == request
    again = run(path, "--submit", "--yes")
    assert "has files of a job of this name" in str(again.exception)


@pytest.mark.slow
def test_a_refused_job_leaves_nothing_so_it_can_be_sent_again(job_file, service, s3_bucket):
    path = job_file(store=s3_bucket)
    service.add_client_error("create_labeling_job", "ResourceInUse", "The name is in use.")
    result = run(path, "--submit", "--yes")
    assert isinstance(result.exception, RunFailed)
    assert "The name is in use." in str(result.exception)
    assert files_beneath(f"{s3_bucket}/jobs") == []


@pytest.mark.slow
def test_nothing_is_sent_where_the_cost_is_not_accepted(job_file, service, s3_bucket):
    result = run(job_file(store=s3_bucket), "--submit", input="n\n")
    assert result.exit_code == 1
    assert "Submit shelf-1 for $0.448?" in result.output


def test_a_failed_job_says_why(job_file, service):
    answer = described("Failed", 0, FailureReason="ClientError: no such bucket")
    service.add_response("describe_labeling_job", answer)
    result = run(job_file(), "--follow")
    assert isinstance(result.exception, RunFailed)
    assert "no such bucket" in str(result.exception)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"source-ref": "a.jpg"}, "the image is not in S3"),
        ({"title": "T"}, "has neither source-ref nor source"),
        ({"source": "T", "category": "A"}, "has 'category' already"),
        ({"source": "T", "category-metadata": {}}, "has 'category' already"),
        ({"source": "x" * 100_001}, "has 100,015 bytes"),
    ],
)
def test_a_line_that_cannot_be_carried_is_named(job_file, line, said):
    path = job_file(lines=[*LINES, line])
    result = run(path)
    assert isinstance(result.exception, InputError)
    assert f"input.manifest:3: {said}" in str(result.exception)


def test_strangers_see_no_addresses(job_file):
    team = "arn:aws:sagemaker:eu-west-1:111111111111:workteam/private-crowd/shop"
    public = GROUND_TRUTH.replace(team, "public\n  personal_data: none")
    result = run(job_file(public, lines=[{"source": "me@example.org", "title": "me@example.org"}]))
    assert "strangers would see" in str(result.exception)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("<form></form>", "no crowd-form"),
        ("<crowd-form>{% if %}</crowd-form>", "template.html:1: "),
        ("<crowd-form>" + "x" * 128_000, "128,012 characters"),
    ],
)
def test_a_template_that_cannot_work_is_refused(job_file, tmp_path, template, said):
    path = job_file()
    (tmp_path / "template.html").write_text(template)
    assert said in str(run(path).exception)
