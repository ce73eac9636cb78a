"""Embeds the texts of products that the cache does not know yet."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from shelfsort.contract.model_files import FINE_TUNED
from shelfsort.core.progress import progress
from shelfsort.training.embedding_cache import EmbeddingCache, content_digest
from shelfsort.training.label_space import LabelSpace
from shelfsort.training.settings import TrainingConfig

if TYPE_CHECKING:
    from shelfsort.training.encoders.encoder import TextEncoder

_EMBED_BATCH = 64


class TextEmbeddings:
    """An encoder that remembers.

    Attributes:
        encoder: embeds.
        embedded: number of texts that it was run on, because the cache did not know them.

    Args:
        encoder: embeds.
        cache: gains the new embeddings.
    """

    def __init__(self, encoder: "TextEncoder", cache: EmbeddingCache):
        self.encoder = encoder
        self.embedded = 0
        self._cache = cache
        self._embed = tf.function(
            encoder.__call__,
            input_signature=[tf.TensorSpec([None], tf.string)],
            autograph=False,
        )

    @classmethod
    def of(cls, config: TrainingConfig) -> "TextEmbeddings | None":
        """The encoder that is configured, with the cache of embeddings; None for none.

        Raises:
            InputError: its weights or tensorflow-text are missing.
        """
        if not config.text.encoder:
            return None
        # Imported here: without an encoder, nothing is needed that only encoders need.
        from shelfsort.training.encoders import load_encoder

        encoder = load_encoder(config.text.encoder, config.text.encoder_weights)
        folder = Path(config.image.embedding_cache) if config.image.embedding_cache else None
        return cls(encoder, EmbeddingCache(folder, encoder.key))

    @property
    def size(self) -> int:
        """Width of the embeddings."""
        return self.encoder.embedding_size

    def vectors(self, texts: np.ndarray) -> np.ndarray:
        """(n,) UTF-8 bytes → (n, size) float32; zeros for empty ones."""
        by_digest = {content_digest(text): text for text in texts if text}
        known = self._cache.known(list(by_digest))
        new = [digest for digest in by_digest if digest not in known]
        for start in range(0, len(new), _EMBED_BATCH):
            some = new[start : start + _EMBED_BATCH]
            embedded = self._embed(tf.constant([by_digest[digest] for digest in some]))
            self._cache.put(some, embedded.numpy())
            self.embedded += len(some)
            progress(self.embedded, None, "texts embedded")
        return self._cache.vectors(texts, self.size)

    def of_categories(self, labels: LabelSpace) -> np.ndarray:
        """(K, size) float32 of the categories' names, of unit length.

        A name that says little, such as "Other", is told apart by the path to it. Each counts half.
        """
        leaves = [labels.taxonomy.name(leaf) for leaf in labels.categories]
        paths = [labels.taxonomy.path(leaf) for leaf in labels.categories]
        found = np.zeros((len(leaves), self.size), np.float32)
        for names in (leaves, [path.replace(" > ", " ") for path in paths]):
            for start in range(0, len(names), _EMBED_BATCH):
                some = slice(start, start + _EMBED_BATCH)
                found[some] += self._embed(tf.constant(names[some])).numpy()
        return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)

    def lineage(self) -> dict[str, Any]:
        """What the model's lineage says of the encoder."""
        encoder = self.encoder
        said = {"name": encoder.name, "key": encoder.key, "licence": encoder.licence}
        return {**said, **({FINE_TUNED: encoder.tuned} if encoder.tuned else {})}

    def close(self) -> None:
        """Closes the cache."""
        self._cache.close()
