"""The gRPC client: asks a model server about products. It needs grpcio and protobuf only.

from shelfsort.client import Classifier

with Classifier("localhost:8500") as classifier:
    answer = classifier.classify(title="Canvas tote bag", image="tote.jpg", price=19.9)
    if answer.accepted_95:
        publish(answer.category)
"""

from shelfsort.client.classifier import (
    DEFAULT_MODEL,
    AsyncClassifier,
    Classifier,
    Connection,
    ServerError,
    Tls,
)
from shelfsort.client.messages import Answer, AnswerError, Product, Ranked

__all__ = [
    "DEFAULT_MODEL",
    "Answer",
    "AnswerError",
    "AsyncClassifier",
    "Classifier",
    "Connection",
    "Product",
    "Ranked",
    "ServerError",
    "Tls",
]
