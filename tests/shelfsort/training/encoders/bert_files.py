"""Makes small weights in the format of MiniLM's package."""

import numpy as np
from safetensors.numpy import save

from shelfsort.training.weights import Weights

SIZE, HIDDEN, LAYERS = 24, 48, 2
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "blue", "dress", "##es", "shoe", "##s", "a"]


def bert_tensors(rng: np.random.Generator) -> dict[str, np.ndarray]:
    def normal(*shape: int) -> np.ndarray:
        return rng.normal(size=shape, scale=0.3).astype(np.float32)

    def dense(name: str, inputs: int, outputs: int) -> dict[str, np.ndarray]:
        return {f"{name}.weight": normal(outputs, inputs), f"{name}.bias": normal(outputs)}

    def norm(name: str) -> dict[str, np.ndarray]:
        return {f"{name}.LayerNorm.weight": normal(SIZE), f"{name}.LayerNorm.bias": normal(SIZE)}

    tensors = {
        "embeddings.word_embeddings.weight": normal(len(VOCABULARY), SIZE),
        "embeddings.position_embeddings.weight": normal(512, SIZE),
        "embeddings.token_type_embeddings.weight": normal(2, SIZE),
        **norm("embeddings"),
    }
    for layer in (f"encoder.layer.{index}" for index in range(LAYERS)):
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            tensors |= dense(f"{layer}.attention.{part}", SIZE, SIZE)
        tensors |= dense(f"{layer}.intermediate.dense", SIZE, HIDDEN)
        tensors |= dense(f"{layer}.output.dense", HIDDEN, SIZE)
        tensors |= norm(f"{layer}.attention.output") | norm(f"{layer}.output")
    return tensors


def bert_weights(tensors: dict[str, np.ndarray], vocabulary: list[str] = VOCABULARY) -> Weights:
    contents = {
        "model.safetensors": save(tensors),
        "vocab.txt": "\n".join(vocabulary).encode(),
    }
    return Weights(contents, digest="0" * 32, licence="", place="own")
