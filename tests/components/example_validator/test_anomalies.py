from tensorflow_metadata.proto.v0 import anomalies_pb2

from components.example_validator.anomalies import describe


def found(feature, *reasons):
    anomalies = anomalies_pb2.Anomalies()
    info = anomalies.anomaly_info[feature]
    for short, description in reasons:
        info.reason.add(short_description=short, description=description)
    return anomalies


def test_nothing_wrong_is_no_line():
    assert describe({"train": anomalies_pb2.Anomalies(), "eval": anomalies_pb2.Anomalies()}) == []


def test_one_anomaly_in_several_splits_is_one_line():
    low = ("Out-of-range values", "Unexpectedly low value: -2.")
    assert describe({"train": found("price", low), "eval": found("price", low)}) == [
        "price (train, eval): Out-of-range values: Unexpectedly low value: -2"
    ]


def test_every_reason_has_its_line_in_the_order_of_the_features():
    both = found("title", ("Column dropped", "gone"), ("Other", "too"))
    assert describe({"eval": both, "train": found("gold", ("New", "x"))}) == [
        "gold (train): New: x",
        "title (eval): Column dropped: gone",
        "title (eval): Other: too",
    ]


def test_an_anomaly_without_reasons_and_one_of_the_data_set_are_told():
    anomalies = anomalies_pb2.Anomalies()
    anomalies.anomaly_info["price"].description = "odd"
    anomalies.dataset_anomaly_info.description = "too few examples"
    assert describe({"train": anomalies}) == [
        "price (train): odd",
        "the whole data set (train): too few examples",
    ]
