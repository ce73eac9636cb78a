"""What a target cannot open or does not have is refused before anything is compiled."""

import pytest

from pipeline.config import Config, load_config
from pipeline.kubeflow.destination import Destination, check_destination
from shelfsort.core.errors import InputError

VOLUME = 'kubeflow.volumes={"shelfsort-data": /data}'
IMAGE = f"registry.example/shelfsort@sha256:{'5e' * 32}"
BUCKET = dict.fromkeys(("root", "manifest", "taxonomy", "serving_dir"), "gs://bucket/x")


def check(*settings, **changes):
    given = {
        "target": "kubeflow",
        "image": IMAGE,
        "root": "minio://mlpipeline/v2",
        "manifest": "/data/labelled.manifest",
        "taxonomy": "/data/taxonomy.json",
        "serving_dir": "/data/serving/shelfsort",
    }
    check_destination(Destination(**{**given, **changes}), load_config(None, settings))


@pytest.mark.parametrize("root", ["minio://b/v2", "s3://b/v2", "gs://b/v2", "/data/artifacts"])
def test_volumes_and_stores_are_roots(root):
    check(VOLUME, root=root)


def test_vertex_ai_takes_buckets():
    check(target="vertex", **BUCKET)
    check(target="vertex", **{**BUCKET, "manifest": "/gcs/bucket/labelled.manifest"})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image": "shelfsort:latest"}, "--image: .*by digest"),
        ({"manifest": "labelled.manifest"}, "--manifest: .*absolute path"),
        ({"manifest": "s3://bucket/m"}, "--manifest: .*no file system for s3"),
        ({"taxonomy": "/other/t.json"}, "--taxonomy: no volume is mounted"),
        ({"taxonomy": "/database/t.json"}, "--taxonomy: no volume is mounted"),
        ({"taxonomy": "/data/../etc/t.json"}, "--taxonomy: no volume is mounted"),
        ({"serving_dir": "minio://b/serving"}, "--serving: .*no file system for minio"),
        ({"root": "artifacts"}, "--root: .*absolute path"),
        ({"target": "vertex", "root": "minio://b"}, "--root: .*gs://"),
    ],
)
def test_what_the_target_cannot_open_is_refused(changes, message):
    with pytest.raises(InputError, match=message) as refused:
        check(VOLUME, **changes)
    assert "\n" not in str(refused.value)


def test_a_tree_that_is_built_from_the_labels_has_no_place():
    check(VOLUME, taxonomy="")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("data.reduction=reduction.json", r"data\.reduction: .*absolute path"),
        ("data.image_roots=[/pictures]", r"data\.image_roots: no volume"),
        ("training.image.embedding_cache=/cache", r"training\.image\.embedding_cache: no volume"),
        (
            "training.image.embedding_cache='gs://b/c'",
            r"training\.image\.embedding_cache: .*no folder",
        ),
        (
            "training.image.backbone_weights=w.h5",
            r"training\.image\.backbone_weights: .*absolute path",
        ),
        ("kubeflow.trainer.image=gpu:1", r"kubeflow\.trainer\.image: .*by digest"),
    ],
)
def test_places_that_settings_name_are_checked_too(setting, message):
    with pytest.raises(InputError, match=message):
        check(VOLUME, setting)


@pytest.mark.parametrize(
    "setting", ["kubeflow.volumes={a: /gcs}", "kubeflow.trainer.node_selector={pool: gpu}"]
)
def test_vertex_ai_has_no_kubernetes_settings(setting):
    with pytest.raises(InputError, match=r"kubeflow\.\S+: Vertex AI has none"):
        check(setting, target="vertex", **BUCKET)


def test_accelerators_are_named_as_the_target_names_them():
    vertex = "kubeflow.trainer.gpu_type=NVIDIA_TESLA_T4"
    check(VOLUME, "kubeflow.trainer.gpus=1")
    check("kubeflow.trainer.gpus=1", vertex, target="vertex", **BUCKET)
    with pytest.raises(InputError, match="NVIDIA_TESLA_T4"):
        check("kubeflow.trainer.gpus=1", target="vertex", **BUCKET)
    with pytest.raises(InputError, match=r"nvidia\.com/gpu"):
        check(VOLUME, "kubeflow.trainer.gpus=1", vertex)


def test_tuning_asks_for_no_more_gpus_than_the_step_has():
    tuning = "training.image.fine_tuning={layers: all, gpus: 2}"
    check(VOLUME, tuning, "kubeflow.trainer.gpus=2")
    with pytest.raises(InputError, match=r"fine_tuning\.gpus: 2 wanted, and \S+ is 1"):
        check(VOLUME, tuning, "kubeflow.trainer.gpus=1")
    titles = ("training.text.fine_tuning={layers: all, gpus: 1}", "training.text.encoder=minilm")
    with pytest.raises(InputError, match=r"training\.text\.fine_tuning\.gpus: 1 wanted"):
        check(VOLUME, *titles)


def test_defaults_ask_nothing_of_the_cluster():
    assert Config().kubeflow.trainer.gpus == 0
    assert Config().kubeflow.volumes == {}
