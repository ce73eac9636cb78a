"""A split as the towers take it: features on disk, and in memory only what each product is."""

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from shelfsort.core.progress import progress
from shelfsort.training.embedding_cache import EmbeddingCache
from shelfsort.training.inner_labels import InnerLabels
from shelfsort.training.label_space import LabelSpace
from shelfsort.training.rows import RowFile, Rows
from shelfsort.training.text_embedding import TextEmbeddings

READ_BATCH = 256
TEXT_EMBEDDINGS = "text_embeddings"
TEXT_TO_ENCODE = "text"
"""What Transform passes on for an encoder."""
_KNOWN = (
    "has_text",
    "has_image",
    "category_id",
    "label_weight",
    "group",
    "evidence",
    "selection_probability",
)
_TERMS = ("word_ids", "word_weights", "piece_ids", "piece_weights")


class ProductIds(Sequence):
    """Ids of n products in as many bytes each as the longest has.

    Args:
        encoded: (n,) array of UTF-8 bytes.
    """

    def __init__(self, encoded: np.ndarray):
        self._encoded = encoded

    def __len__(self) -> int:
        return len(self._encoded)

    def __getitem__(self, index):
        """The id at an int; the ProductIds at an index array."""
        if isinstance(index, (int, np.integer)):
            return self._encoded[index].decode()
        return ProductIds(self._encoded[index])


@dataclasses.dataclass(frozen=True)
class Encoded:
    """What an encoder makes of n products and of K categories.

    Attributes:
        texts: n rows of (text_embedding_size,) float32, zeros where there is no text.
        categories: (K, text_embedding_size) float32 of their names, of unit length.
    """

    texts: Rows
    categories: np.ndarray


@dataclasses.dataclass(frozen=True)
class Products:
    """One split, ready for the towers.

    Attributes:
        product_ids: n ids.
        features: n rows of the type `feature_type` gives, most of them on disk.
        word_terms, piece_terms: columns of terms that hold any; the others are not read.
        has_text, has_image: (n,) bool.
        labels: (n,) int32 category ids, -1 for one unseen in training and for an inner category.
        label_weights: (n,) float32.
        groups: (n,) int64, equal for variants of one product.
        evidence: (n,) bool, whether thresholds may be fitted on the product; others only train.
        selection_probabilities: (n,) float32 with which products were chosen to be labelled,
            `selection.UNKNOWN` where that is not known; None where it is known of no product.
        fold_embeddings: by cross-fitting fold, n embeddings of a backbone that was tuned without
            the fold; empty where one backbone embeds all.
        fold_encoded: by cross-fitting fold, what an encoder makes of all products that was tuned
            without the fold; empty where one encoder embeds all.
        category_embeddings: (K, text_embedding_size) float32 of the categories' names, by the
            encoder of the texts; None without one.
        inner: the inner categories that products are labelled with; None where there are none.
    """

    product_ids: Sequence[str]
    features: Rows
    word_terms: int
    piece_terms: int
    has_text: np.ndarray
    has_image: np.ndarray
    labels: np.ndarray
    label_weights: np.ndarray
    groups: np.ndarray
    evidence: np.ndarray
    selection_probabilities: np.ndarray | None = None
    fold_embeddings: Mapping[int, Rows] = dataclasses.field(default_factory=dict)
    fold_encoded: Mapping[int, Encoded] = dataclasses.field(default_factory=dict)
    category_embeddings: np.ndarray | None = None
    inner: InnerLabels | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def embedding_size(self) -> int:
        """Width of the picture embeddings."""
        return self.features.dtype["embeddings"].shape[0]

    @property
    def text_embedding_size(self) -> int:
        """Width of the encoder's vectors of the texts; 0 without an encoder."""
        dtype = self.features.dtype
        return dtype[TEXT_EMBEDDINGS].shape[0] if TEXT_EMBEDDINGS in dtype.names else 0

    @property
    def towers(self) -> dict[str, np.ndarray]:
        """By tower, (n,) bool: which products have what it looks at."""
        encoded = ["encoder"] if self.text_embedding_size else []
        if self.category_embeddings is not None:
            encoded.append("names")
        return {
            "text": self.has_text,
            "image": self.has_image,
            **dict.fromkeys(encoded, self.has_text),
        }

    @property
    def has_leaf(self) -> np.ndarray:
        """(n,) bool: which products are labelled with a category of the model."""
        return self.labels >= 0

    @property
    def teaches(self) -> np.ndarray:
        """(n,) bool: which products the towers can learn from."""
        return self.has_leaf if self.inner is None else self.has_leaf | (self.inner.nodes >= 0)

    def targets(self, rows: np.ndarray) -> np.ndarray:
        """(m,) int32 of the products at (m,) `rows`: the label, or K and the row of `inner.below`.

        Of those that do not teach it says nothing.
        """
        if self.inner is None:
            return self.labels[rows]
        labels, categories = self.labels[rows], self.inner.below.shape[1]
        inner = (categories + self.inner.nodes[rows]).astype(np.int32)
        return np.where(labels >= 0, labels, inner)

    def tower_inputs(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """What the towers take, by input name, of the products at the (m,) `rows`."""
        features = self.features[rows]
        widths = {"word": self.word_terms, "piece": self.piece_terms}
        terms = {name: features[name][:, : widths[name.split("_")[0]]] for name in _TERMS}
        encoded = (TEXT_EMBEDDINGS,) if self.text_embedding_size else ()
        return terms | {name: features[name] for name in ("price_bucket", "embeddings", *encoded)}

    def without(self, fold: int) -> "Products":
        """The same as networks embed them that never saw the products of a fold."""
        found = self
        if self.fold_embeddings:
            found = found.embedded(self.fold_embeddings[fold])
        if self.fold_encoded:
            found = found.encoded(self.fold_encoded[fold])
        return found

    def embedded(self, embeddings: Rows, folds: Mapping[int, Rows] | None = None) -> "Products":
        """The same with other embeddings of images.

        Args:
            embeddings: n rows of any width.
            folds: `fold_embeddings`; None for none.
        """
        features = _Reembedded.of(self.features, {"embeddings": embeddings})
        return dataclasses.replace(self, features=features, fold_embeddings=folds or {})

    def encoded(self, by: Encoded, folds: Mapping[int, Encoded] | None = None) -> "Products":
        """The same with what another encoder makes of texts and of categories' names.

        Args:
            by: the encoder.
            folds: `fold_encoded`; None for none.
        """
        return dataclasses.replace(
            self,
            features=_Reembedded.of(self.features, {TEXT_EMBEDDINGS: by.texts}),
            category_embeddings=by.categories,
            fold_encoded=folds or {},
        )

    def group_folds(self, folds: int, seed: int) -> np.ndarray:
        """(n,) fold of each product; variants of one product share a fold, so none leaks."""
        salt = seed.to_bytes(16, "big", signed=True)
        keys = (int(group).to_bytes(8, "big", signed=True) for group in self.groups)
        digests = (hashlib.blake2b(key, digest_size=8, salt=salt).digest() for key in keys)
        numbers = (int.from_bytes(digest, "big") % folds for digest in digests)
        return np.fromiter(numbers, np.int32, len(self))


class _Reembedded:
    """Features with embeddings of their own.

    Args:
        features: all other features.
        embeddings: of the same products, by name of the feature.
    """

    def __init__(self, features: Rows, embeddings: Mapping[str, Rows]):
        self._features = features
        self._embeddings = embeddings
        own = {
            name: np.dtype((np.float32, rows[np.zeros(1, np.int64)].shape[1:]))
            for name, rows in embeddings.items()
        }
        kinds = features.dtype.fields.items()
        self.dtype = np.dtype([(name, own.get(name, of)) for name, (of, *_) in kinds])

    @classmethod
    def of(cls, features: Rows, embeddings: Mapping[str, Rows]) -> "_Reembedded":
        """Not one over the other: each would read the embeddings that it replaces."""
        if isinstance(features, _Reembedded):
            return cls(features._features, {**features._embeddings, **embeddings})
        return cls(features, embeddings)

    def __getitem__(self, index: np.ndarray) -> np.ndarray:
        found = np.empty(len(index), self.dtype)
        given = self._features[index]
        for name in self.dtype.names:
            own = self._embeddings.get(name)
            found[name] = given[name] if own is None else own[index]
        return found


def feature_type(words: int, pieces: int, embedding: int, text_embedding: int = 0) -> np.dtype:
    """A product's features: `words` and `pieces` terms, and embeddings of so many numbers.

    Term ids are 0, and their weights too, where there is no term; `price_bucket` is 0 where there
    is no price, and `embeddings` are zeros where there is no picture. Without an encoder there is
    no `text_embeddings`, and with one they are zeros where there is no text.
    """
    return np.dtype(
        [
            ("word_ids", np.int32, (words,)),
            ("word_weights", np.float32, (words,)),
            ("piece_ids", np.int32, (pieces,)),
            ("piece_weights", np.float32, (pieces,)),
            ("price_bucket", np.int32),
            ("embeddings", np.float32, (embedding,)),
            *([(TEXT_EMBEDDINGS, np.float32, (text_embedding,))] if text_embedding else []),
        ]
    )


def read_products(
    files: Sequence[str],
    transformed: tft.TFTransformOutput,
    cache: EmbeddingCache,
    embedding_size: int,
    texts: TextEmbeddings | None = None,
    labels: LabelSpace | None = None,
) -> Products:
    """Transforms the products of one split and looks up their embeddings.

    Args:
        files: patterns of gzipped files of raw tf.Examples.
        transformed: the graph that turns them into features.
        cache: holds the embedding of every picture, see `embedding.embed_new_pictures`.
        embedding_size: numbers of one embedding.
        texts: embeds the texts that Transform passes on; None without an encoder.
        labels: the categories; None leaves out what labels with inner categories say.
    """
    spec = transformed.transformed_feature_spec()
    terms = [spec[name].shape[0] for name in ("word_ids", "piece_ids")]
    features = RowFile(feature_type(*terms, embedding_size, texts.size if texts else 0))
    known: dict[str, list[np.ndarray]] = {}
    for batch in _transformed_batches(files, transformed):
        rows = np.zeros(len(batch["product_id"]), features.dtype)
        for name in (*_TERMS, "price_bucket"):
            rows[name] = batch[name]
        rows["embeddings"] = cache.vectors(batch["image"], embedding_size)
        if texts:
            rows[TEXT_EMBEDDINGS] = texts.vectors(batch[TEXT_TO_ENCODE].reshape(-1))
        features.append(rows)
        for name, values in _known_of(batch, rows).items():
            known.setdefault(name, []).append(values)
        progress(len(features), None, "products read for training")
    stacked = {name: np.concatenate(values) for name, values in known.items()}
    return Products(
        product_ids=ProductIds(stacked["product_id"]),
        features=features,
        word_terms=max(1, int(stacked["words"].max())),
        piece_terms=max(1, int(stacked["pieces"].max())),
        has_text=stacked["has_text"] > 0,
        has_image=stacked["has_image"] > 0,
        labels=stacked["category_id"].astype(np.int32),
        label_weights=stacked["label_weight"],
        groups=stacked["group"],
        evidence=stacked["evidence"] > 0,
        selection_probabilities=stacked["selection_probability"],
        inner=labels and InnerLabels.of(stacked["inner_category"], labels),
    )


def texts_to_encode(files: Sequence[str], transformed: tft.TFTransformOutput) -> Iterator[bytes]:
    """What an encoder reads of each product, in the order of `read_products`; b"" for nothing."""
    for batch in _transformed_batches(files, transformed):
        yield from batch[TEXT_TO_ENCODE].reshape(-1).tolist()


def trimmed(*splits: Products) -> list[Products]:
    """The splits without the term columns that are empty in all of them (at least one is kept)."""
    widths = {name: max(getattr(s, name) for s in splits) for name in ("word_terms", "piece_terms")}
    return [dataclasses.replace(s, **widths) for s in splits]


def record_batches(files: Sequence[str]) -> tf.data.Dataset:
    """Serialised products of gzipped files, READ_BATCH at a time, in the order of the files."""
    paths = sorted(path for pattern in files for path in tf.io.gfile.glob(pattern))
    return tf.data.TFRecordDataset(paths, compression_type="GZIP").batch(READ_BATCH)


def _transformed_batches(
    files: Sequence[str], transformed: tft.TFTransformOutput
) -> Iterator[dict[str, np.ndarray]]:
    spec, layer = transformed.raw_feature_spec(), transformed.transform_features_layer()

    # AutoGraph would rewrite all of the layer's source, which takes longer than a small split.
    @tf.autograph.experimental.do_not_convert
    def transform(batch: tf.Tensor) -> dict[str, tf.Tensor]:
        return layer(tf.io.parse_example(batch, spec))

    yield from record_batches(files).map(transform).prefetch(1).as_numpy_iterator()


def _known_of(batch: dict[str, np.ndarray], rows: np.ndarray) -> dict[str, np.ndarray]:
    """What of a batch stays in memory; of the terms, how many columns are in use."""
    return {
        **{name: batch[name].reshape(-1).astype("S") for name in ("product_id", "inner_category")},
        **{name: batch[name].reshape(-1) for name in _KNOWN},
        **{
            f"{kind}s": np.count_nonzero(rows[f"{kind}_ids"], axis=1).max(keepdims=True)
            for kind in ("word", "piece")
        },
    }
