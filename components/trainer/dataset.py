"""Transformed examples as arrays, with each product's picture embedded."""

import dataclasses
import hashlib
from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from components.progress import progress
from components.trainer.backbones import Backbone
from components.trainer.embedding_cache import EmbeddingCache, content_digest
from components.trainer.pictures import decode_picture

_READ_BATCH = 256
_EMBED_BATCH = 32
_TEXT_FEATURES = ("word_ids", "word_weights", "piece_ids", "piece_weights")


@dataclasses.dataclass(frozen=True)
class Products:
    """One split, ready for the towers; every array has one row a product.

    Attributes:
        product_ids: (n,) object array of str.
        word_ids, piece_ids: (n, terms) int32, 0 where there is no term.
        word_weights, piece_weights: (n, terms) float32.
        price_bucket: (n,) int32.
        embeddings: (n, embedding) float32, zeros where there is no picture.
        has_text, has_image: (n,) bool.
        labels: (n,) int32 category ids, -1 for one unseen in training.
        label_weights: (n,) float32.
    """

    product_ids: np.ndarray
    word_ids: np.ndarray
    word_weights: np.ndarray
    piece_ids: np.ndarray
    piece_weights: np.ndarray
    price_bucket: np.ndarray
    embeddings: np.ndarray
    has_text: np.ndarray
    has_image: np.ndarray
    labels: np.ndarray
    label_weights: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, index: np.ndarray) -> "Products":
        """The products at `index` (ids or a mask)."""
        return Products(**{f.name: getattr(self, f.name)[index] for f in dataclasses.fields(self)})

    def tower_inputs(self) -> dict[str, np.ndarray]:
        """The arrays that the towers take, by input name."""
        return {
            name: getattr(self, name) for name in (*_TEXT_FEATURES, "price_bucket", "embeddings")
        }

    def group_folds(self, folds: int, seed: int) -> np.ndarray:
        """(n,) fold of each product; products with the same words share one, so none leaks."""
        return np.array(
            [
                int.from_bytes(
                    hashlib.blake2b(key, digest_size=8, salt=_salt(seed)).digest(), "big"
                )
                % folds
                for key in self._group_keys()
            ],
            dtype=np.int32,
        )

    def _group_keys(self) -> Iterator[bytes]:
        for row in range(len(self)):
            if self.has_text[row]:
                yield self.word_ids[row].tobytes() + self.piece_ids[row].tobytes()
            else:
                yield self.embeddings[row].tobytes()


def read_products(
    files: Sequence[str],
    feature_spec: dict[str, tf.io.FixedLenFeature],
    backbone: Backbone,
    cache: EmbeddingCache,
) -> Products:
    """Reads gzipped, transformed tf.Examples and embeds their pictures through the cache.

    Args:
        files: file patterns of one split.
        feature_spec: the transformed features, as Transform wrote them.
        backbone: embeds the pictures that the cache does not know.
        cache: is read, and gains the new embeddings batch by batch.
    """
    columns: dict[str, list[np.ndarray]] = {name: [] for name in feature_spec if name != "image"}
    digests: list[bytes] = []
    new_pictures = _NewPictures(backbone, cache)
    for batch in _batches(files, feature_spec):
        for name, values in columns.items():
            values.append(_narrow(batch[name]))
        pictures = batch["image"].reshape(-1)
        batch_digests = [content_digest(p) if p else b"" for p in pictures]
        digests += batch_digests
        new_pictures.embed(pictures, batch_digests, len(digests))
    stacked = {name: np.concatenate(values) for name, values in columns.items()}
    return Products(
        product_ids=np.array([p.decode() for p in stacked["product_id"].reshape(-1)], object),
        **{name: stacked[name] for name in _TEXT_FEATURES},
        price_bucket=stacked["price_bucket"].reshape(-1),
        embeddings=_embeddings(digests, cache, backbone.embedding_size),
        has_text=stacked["has_text"].reshape(-1) > 0,
        has_image=stacked["has_image"].reshape(-1) > 0,
        labels=stacked["category_id"].reshape(-1),
        label_weights=stacked["label_weight"].reshape(-1),
    )


def trimmed(*splits: Products) -> list[Products]:
    """The splits without the term columns that are empty in all of them (at least one is kept)."""
    widths = {
        name: max(
            1, *(int(np.count_nonzero(getattr(s, name), axis=1).max(initial=0)) for s in splits)
        )
        for name in ("word_ids", "piece_ids")
    }
    widths |= {"word_weights": widths["word_ids"], "piece_weights": widths["piece_ids"]}
    return [
        dataclasses.replace(s, **{name: getattr(s, name)[:, :w] for name, w in widths.items()})
        for s in splits
    ]


class _NewPictures:
    """Embeds the pictures that the cache does not know yet."""

    def __init__(self, backbone: Backbone, cache: EmbeddingCache):
        self._cache = cache
        size = backbone.image_size
        self._decode = lambda encoded: decode_picture(encoded, size)
        self._embed = tf.function(
            lambda pixels: backbone.model(tf.cast(pixels, tf.float32), training=False),
            input_signature=[tf.TensorSpec([None, size, size, 3], tf.uint8)],
        )

    def embed(self, pictures: np.ndarray, digests: list[bytes], seen: int) -> None:
        """Embeds those of `pictures` whose digest is new; `seen` counts products for progress."""
        known = self._cache.known([d for d in digests if d])
        new = {d: p for d, p in zip(digests, pictures, strict=True) if d and d not in known}
        if not new:
            return
        dataset = (
            tf.data.Dataset.from_tensor_slices(list(new.values()))
            .map(self._decode, num_parallel_calls=tf.data.AUTOTUNE)
            .batch(_EMBED_BATCH)
            .prefetch(1)
        )
        self._cache.put(
            list(new), np.concatenate([self._embed(batch).numpy() for batch in dataset])
        )
        progress(seen, None, "pictures embedded")


def _batches(files: Sequence[str], feature_spec: dict) -> Iterator[dict[str, np.ndarray]]:
    paths = sorted(path for pattern in files for path in tf.io.gfile.glob(pattern))
    records = tf.data.TFRecordDataset(paths, compression_type="GZIP").batch(_READ_BATCH)
    parsed = records.map(lambda batch: tf.io.parse_example(batch, feature_spec))
    yield from parsed.prefetch(1).as_numpy_iterator()


def _narrow(values: np.ndarray) -> np.ndarray:
    return values.astype(np.int32) if values.dtype == np.int64 else values


def _embeddings(digests: list[bytes], cache: EmbeddingCache, size: int) -> np.ndarray:
    result = np.zeros((len(digests), size), np.float32)
    for start in range(0, len(digests), _READ_BATCH):
        chunk = digests[start : start + _READ_BATCH]
        vectors = cache.get([d for d in chunk if d])
        for row, digest in enumerate(chunk, start):
            if digest:
                result[row] = vectors[digest]
    return result


def _salt(seed: int) -> bytes:
    return seed.to_bytes(16, "big", signed=True)
