"""Says in words what TFDV found, once for each anomaly however many splits it befalls."""

from collections.abc import Mapping

from tensorflow_metadata.proto.v0 import anomalies_pb2


def describe(by_split: Mapping[str, anomalies_pb2.Anomalies]) -> list[str]:
    """One line for each anomaly, as in "price (train, eval): Out-of-range values: …".

    Returns:
      Lines in the order of the features' names; empty where nothing is wrong.
    """
    splits_of: dict[tuple[str, str], list[str]] = {}
    for split, anomalies in by_split.items():
        for what in _findings(anomalies):
            splits_of.setdefault(what, []).append(split)
    return [
        f"{feature} ({', '.join(splits)}): {finding}"
        for (feature, finding), splits in sorted(splits_of.items())
    ]


def _findings(anomalies: anomalies_pb2.Anomalies) -> list[tuple[str, str]]:
    findings = []
    for feature, info in anomalies.anomaly_info.items():
        reasons = [
            f"{reason.short_description}: {reason.description}".strip().rstrip(".")
            for reason in info.reason
        ]
        findings += [(feature, each) for each in reasons or [info.description or "not as declared"]]
    if anomalies.HasField("dataset_anomaly_info"):
        dataset = anomalies.dataset_anomaly_info
        findings.append(("the whole data set", dataset.description or "not as declared"))
    return findings
