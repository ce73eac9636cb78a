import pytest

from shelfsort.core.errors import InputError

pytestmark = pytest.mark.slow

SOUND = {
    "product_id": b"p",
    "title": b"t",
    "description": b"",
    "price": 9.5,
    "image": b"\xff\xd8",
    "image_width": 24,
    "image_height": 16,
    "image_format": b"jpeg",
    "image_source": b"1.jpg",
    "category": b"shoes",
    "label_confidence": 1.0,
    "label_weight": 1.0,
    "worker_count": 3,
    "label_source": b"people",
    "selected_by": b"",
    "group": 7,
}


def write_examples(path, products):
    import tensorflow as tf

    kinds = {bytes: "bytes_list", float: "float_list", int: "int64_list"}
    path.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(path / "data_tfrecord-00000-of-00001.gz"), "GZIP") as writer:
        for product in products:
            example = tf.train.Example()
            for name, each in product.items():
                getattr(example.features.feature[name], kinds[type(each)]).value.append(each)
            writer.write(example.SerializeToString())


@pytest.fixture
def validate(tmp_path):
    """Runs StatisticsGen's and our executor over products; returns the anomalies artifact."""
    from tfx.components.statistics_gen.executor import Executor as StatisticsExecutor
    from tfx.types import standard_artifacts

    import schema
    from components.example_validator.executor import Executor

    def artifact(type_, name):
        made = type_()
        made.uri = str(tmp_path / name)
        return made

    def run(products):
        examples = artifact(standard_artifacts.Examples, "examples")
        examples.splits = ["train", "eval"]
        examples.span = 0
        for split in examples.splits:
            write_examples(tmp_path / "examples" / f"Split-{split}", products)
        statistics = artifact(standard_artifacts.ExampleStatistics, "statistics")
        options = schema.statistics_options().to_json()
        StatisticsExecutor().Do(
            {"examples": [examples]},
            {"statistics": [statistics]},
            {"stats_options_json": options, "exclude_splits": "[]"},
        )
        declared = artifact(standard_artifacts.Schema, "schema")
        (tmp_path / "schema").mkdir()
        (tmp_path / "schema" / "schema.pbtxt").write_text(schema.SCHEMA_FILE.read_text())
        anomalies = artifact(standard_artifacts.ExampleAnomalies, "anomalies")
        Executor().Do(
            {"statistics": [statistics], "schema": [declared]},
            {"anomalies": [anomalies]},
            {"exclude_splits": "[]"},
        )
        return anomalies

    return run


def without(name):
    return {key: value for key, value in SOUND.items() if key != name}


def test_what_products_may_lack_is_no_anomaly(validate):
    no_picture = {"image": b"", "image_format": b"", "image_width": 0, "image_height": 0}
    anomalies = validate(
        [
            SOUND,
            SOUND | no_picture,
            SOUND | {"title": b""},
            without("price"),
            SOUND | {"gold": b"shoes"},
            SOUND | {"worker_count": 0},
        ]
    )
    assert anomalies.get_json_value_custom_property("blessed") == {"train": 1, "eval": 1}


def test_anomalies_stop_the_run_each_on_its_own_line(validate):
    odd = {"price": -1.0, "label_confidence": 1.5, "image_format": b"webp", "image_width": -1}
    with pytest.raises(InputError) as caught:
        validate([without("category") | odd] * 5)
    lines = str(caught.value).splitlines()
    assert "5 anomalies" in lines[0]
    assert [line.split(":")[0].strip() for line in lines[1:]] == [
        "category (train, eval)",
        "image_format (train, eval)",
        "image_width (train, eval)",
        "label_confidence (train, eval)",
        "price (train, eval)",
    ]
