import json

import pytest

GROUND_TRUTH = """\
name: shelf-1
manifest: {folder}/input.manifest
price: 0.048
fee: 0.08
ground_truth:
  folder: {store}/jobs
  template: {folder}/template.html
  role: arn:aws:iam::111111111111:role/GroundTruth
  workforce: arn:aws:sagemaker:eu-west-1:111111111111:workteam/private-crowd/shop
  region: eu-west-1
  time_limit: 5m
  tags: {{team: shelves}}
"""
LINES = [
    {"source-ref": "s3://shop/1.jpg", "id": "1", "title": "Mug"},
    {"source": "Tote", "id": "2", "title": "Tote"},
]


@pytest.fixture
def job_file(tmp_path):
    """Writes job.yaml, its manifest and its template; returns the path of the first."""

    def write(text=GROUND_TRUTH, lines=LINES, store="s3://shop"):
        (tmp_path / "input.manifest").write_text("".join(json.dumps(x) + "\n" for x in lines))
        (tmp_path / "template.html").write_text("<crowd-form>{{ task.input.title }}</crowd-form>")
        (tmp_path / "config.xml").write_text('<View><Text name="t" value="$title"/></View>')
        path = tmp_path / "job.yaml"
        path.write_text(text.format(folder=tmp_path, store=store))
        return path

    return write
