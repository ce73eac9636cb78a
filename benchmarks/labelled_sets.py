"""Labelled products in memory, for benchmarks that fit many times on samples of one set.

Reading, embedding and cutting words into terms happen once a set and are kept in a file. A sample
then learns its vocabulary from its own products, as `components.transform` does, and becomes the
`Products` that the Trainer reads.
"""

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from components.manifest_example_gen.labelling import labelled_product
from components.manifest_example_gen.settings import DataConfig
from components.transform.artifact import PIECES_VOCABULARY, PRICE_BUCKETS, WORDS_VOCABULARY
from components.transform.module import text_to_encode
from components.transform.settings import TransformConfig
from components.transform.vocabularies import terms_of
from shelfsort.products.groups import group_id, group_key
from shelfsort.products.images.source import ImageSources
from shelfsort.products.leaves import LeafResolver
from shelfsort.products.manifest.label_attributes import find_label_attribute
from shelfsort.products.manifest.parsing import read_record
from shelfsort.products.product import LabelledProduct
from shelfsort.products.tables.lines import all_product_lines
from shelfsort.products.taxonomy import Taxonomy
from shelfsort.training.backbones import load_backbone
from shelfsort.training.dataset import TEXT_EMBEDDINGS, ProductIds, Products, feature_type
from shelfsort.training.embedding_cache import EmbeddingCache
from shelfsort.training.encoders import load_encoder
from shelfsort.training.fitting import VocabularySizes
from shelfsort.training.label_space import LabelSpace
from shelfsort.training.text_embedding import TextEmbeddings

_EMBED_BATCH = 32
_TERM_BATCH = 1024


@dataclasses.dataclass(frozen=True)
class Terms:
    """Terms of n products: `ids[starts[i]:starts[i + 1]]` are those of product i, with repeats."""

    starts: np.ndarray
    ids: np.ndarray

    def rows(self, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(terms,) place in `index` and (terms,) id of every term of the products at `index`."""
        counts = self.starts[index + 1] - self.starts[index]
        place = np.repeat(np.arange(len(index)), counts)
        first = np.repeat(self.starts[index] - np.cumsum(counts) + counts, counts)
        return place, self.ids[first + np.arange(len(place))]


@dataclasses.dataclass(frozen=True)
class LabelledSet:
    """All products of one set.

    Attributes:
        words, pieces: terms of n products.
        embeddings: (n, width) float32, zeros where there is no image.
        labels: (n,) leaf ids, as consolidated from the answers.
        gold: (n,) leaf ids, "" where they are not known.
        confidence: (n,) float32 of the labels.
        groups: (n,) int64, equal for variants of one product.
        taxonomy: path of the tree.
        encoded: (n, width) float32 of a text encoder, zeros where there is no text; width 0 without
            an encoder.
        named: (width,) float32 of the names of the categories, by leaf id; {} without an encoder.
    """

    words: Terms
    pieces: Terms
    embeddings: np.ndarray
    labels: np.ndarray
    gold: np.ndarray
    confidence: np.ndarray
    groups: np.ndarray
    taxonomy: str
    encoded: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros((0, 0), np.float32))
    named: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)


def read_set(
    folder: Path, kept: Path, backbone: str = "efficientnet_lite0", encoder: str = ""
) -> LabelledSet:
    """Reads `labelled.manifest` and `taxonomy.json` of a folder; from the file `kept` if it exists.

    Args:
        folder: of the set.
        kept: NumPy archive that holds what has been read. The encoder's embeddings have a file of
            their own beside it.
        backbone: embeds the images.
        encoder: embeds the texts; "" for none.
    """
    taxonomy = str(folder / "taxonomy.json")
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        arrays = _read(folder / "labelled.manifest", taxonomy, backbone)
        part = kept.with_suffix(".part.npz")
        np.savez_compressed(part, **arrays)
        part.rename(kept)
    found = np.load(kept)
    encoded, named = np.zeros((len(found["labels"]), 0), np.float32), {}
    if encoder:
        leaves = sorted(set(found["labels"].tolist()))
        labels = LabelSpace(leaves, Taxonomy.load(taxonomy))
        encoded, names = _kept_encodings(folder, labels, kept, encoder)
        named = dict(zip(leaves, names, strict=True))
    return LabelledSet(
        words=Terms(found["word_starts"], found["word_ids"]),
        pieces=Terms(found["piece_starts"], found["piece_ids"]),
        **{name: found[name] for name in ("embeddings", "labels", "gold", "confidence", "groups")},
        taxonomy=taxonomy,
        encoded=encoded,
        named=named,
    )


def narrowed(whole: LabelledSet, width: int) -> LabelledSet:
    """The set with embeddings of `width` numbers, which cost a fraction of a step of the fit.

    The image tower takes signed square roots of an embedding at unit length. The narrow embedding's
    are the projection of the wide one's on the principal directions of the set, without labels. A
    random rotation spreads these over all numbers, as dropout expects.
    """
    roots = np.sign(whole.embeddings) * np.sqrt(np.abs(whole.embeddings))
    roots /= np.maximum(np.linalg.norm(roots, axis=1, keepdims=True), 1e-6)
    _, directions = np.linalg.eigh(roots.T @ roots)
    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(width, width)))
    found = roots @ (directions[:, -width:] @ rotation).astype(np.float32)
    return dataclasses.replace(whole, embeddings=np.sign(found) * found**2)


def sample_products(
    whole: LabelledSet, drawn: np.ndarray, rest: np.ndarray, config: TransformConfig
) -> tuple[Products, Products, VocabularySizes, LabelSpace]:
    """Both parts as the towers take them, with the vocabularies that `drawn` alone gives.

    Args:
        whole: the set.
        drawn: rows to train on.
        rest: other rows.
        config: limits of the vocabularies.

    Returns:
        The products at `drawn` and at `rest`, the sizes, and the categories of `drawn`.
    """
    categories = sorted(set(whole.labels[drawn]))
    words, pieces = (_Vocabulary.of(terms, drawn, config) for terms in (whole.words, whole.pieces))
    made = [_products(whole, rows, (words, pieces), categories, config) for rows in (drawn, rest)]
    width = {
        name: max(getattr(part, name) for part in made) for name in ("word_terms", "piece_terms")
    }
    named = np.stack([whole.named[leaf] for leaf in categories]) if whole.named else None
    drawn_products, rest_products = (
        dataclasses.replace(part, **width, category_embeddings=named) for part in made
    )
    sizes = VocabularySizes(len(words.idf), len(pieces.idf), PRICE_BUCKETS, len(categories))
    return (
        drawn_products,
        rest_products,
        sizes,
        LabelSpace(categories, Taxonomy.load(whole.taxonomy)),
    )


def draw_groups(
    whole: LabelledSet, n: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """About `n` rows in whole groups, drawn at random, and all other rows."""
    _, place = np.unique(whole.groups, return_inverse=True)
    order = rng.permutation(place.max() + 1)
    sizes = np.bincount(place)[order]
    chosen = order[: int(np.searchsorted(np.cumsum(sizes), n)) + 1]
    inside = np.isin(place, chosen)
    return np.flatnonzero(inside), np.flatnonzero(~inside)


@dataclasses.dataclass(frozen=True)
class _Vocabulary:
    """Ids here by id in the set (-1 for a term left out), and inverse document frequencies."""

    here: np.ndarray
    idf: np.ndarray

    @classmethod
    def of(cls, terms: Terms, rows: np.ndarray, config: TransformConfig) -> "_Vocabulary":
        place, ids = terms.rows(rows)
        size = int(terms.ids.max(initial=-1)) + 1
        counts = np.bincount(ids, minlength=size)
        documents = np.bincount(
            np.unique(place * max(size, 1) + ids) % max(size, 1), minlength=size
        )
        kept = np.flatnonzero(counts >= config.min_count)
        kept = kept[np.argsort(-counts[kept], kind="stable")][: config.max_vocabulary]
        here = np.full(size, -1)
        here[kept] = np.arange(len(kept))
        idf = np.log((len(rows) + 1) / (documents[kept] + 1)) + 1
        return cls(here, idf.astype(np.float32) if len(kept) else np.ones(1, np.float32))

    def strongest(self, terms: Terms, rows: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
        """(rows, most) ids from 1 and unit-length weights of the heaviest terms; 0 for none."""
        place, ids = terms.rows(rows)
        total = np.bincount(place, minlength=len(rows))
        ids = self.here[ids] if len(self.here) else ids
        pairs, counts = np.unique(
            place[ids >= 0] * len(self.idf) + ids[ids >= 0], return_counts=True
        )
        place, ids = pairs // len(self.idf), pairs % len(self.idf)
        weights = counts / total[place] * self.idf[ids]
        order = np.lexsort((ids, -weights, place))
        place, ids, weights = place[order], ids[order], weights[order]
        first = np.searchsorted(place, np.arange(len(rows)))
        column = np.arange(len(place)) - first[place]
        kept = column < most
        numbers = np.zeros((len(rows), most), np.int32)
        heavy = np.zeros((len(rows), most), np.float32)
        numbers[place[kept], column[kept]] = ids[kept] + 1
        heavy[place[kept], column[kept]] = weights[kept]
        length = np.linalg.norm(heavy, axis=1, keepdims=True)
        return numbers, heavy / np.where(length > 0, length, 1)


def _products(
    whole: LabelledSet,
    rows: np.ndarray,
    vocabularies: tuple[_Vocabulary, _Vocabulary],
    categories: Sequence[str],
    config: TransformConfig,
) -> Products:
    words = vocabularies[0].strongest(whole.words, rows, config.max_words)
    pieces = vocabularies[1].strongest(whole.pieces, rows, config.max_pieces)
    encoder_width = whole.encoded.shape[1]
    kind = feature_type(
        config.max_words, config.max_pieces, whole.embeddings.shape[1], encoder_width
    )
    features = np.zeros(len(rows), kind)
    features["word_ids"], features["word_weights"] = words
    features["piece_ids"], features["piece_weights"] = pieces
    features["embeddings"] = whole.embeddings[rows]
    if encoder_width:
        features[TEXT_EMBEDDINGS] = whole.encoded[rows]
    number = {name: place for place, name in enumerate(categories)}
    return Products(
        product_ids=ProductIds(rows.astype("S")),
        features=features,
        word_terms=max(1, int((words[0] > 0).sum(axis=1).max(initial=0))),
        piece_terms=max(1, int((pieces[0] > 0).sum(axis=1).max(initial=0))),
        has_text=(words[0] > 0).any(axis=1) | (pieces[0] > 0).any(axis=1),
        has_image=whole.embeddings[rows].any(axis=1),
        labels=np.array([number.get(name, -1) for name in whole.labels[rows]], np.int32),
        label_weights=whole.confidence[rows],
        groups=whole.groups[rows],
        evidence=np.ones(len(rows), bool),
    )


def _labelled(manifest: Path, taxonomy: str) -> list[LabelledProduct]:
    files = (str(manifest),)
    data = DataConfig(label_attribute=find_label_attribute(files))
    resolver = LeafResolver.load(taxonomy)
    lines = all_product_lines(files, data.reading)
    found = [labelled_product(read_record(line), data, resolver) for line in lines]
    return [each for each in found if isinstance(each, LabelledProduct)]


def _read(manifest: Path, taxonomy: str, backbone: str) -> dict[str, np.ndarray]:
    products = _labelled(manifest, taxonomy)
    sources = ImageSources(())
    images = [_image(each, sources) for each in products]
    titles = [each.product.title for each in products]
    descriptions = [each.product.description for each in products]
    keys = map(group_key, titles, images, descriptions)
    terms = _terms(titles, descriptions)
    return {
        **terms,
        "embeddings": _embedded(images, backbone),
        "labels": np.array([each.label.category for each in products], "U"),
        "gold": np.array([each.gold or "" for each in products], "U"),
        "confidence": np.array([each.label.weight for each in products], np.float32),
        "groups": np.array([group_id(key) for key in keys], np.int64),
    }


def _kept_encodings(
    folder: Path, labels: LabelSpace, kept: Path, name: str
) -> tuple[np.ndarray, np.ndarray]:
    """(n, width) float32 of the products' texts and (K, width) of the categories' names.

    They come from the file beside `kept` if it exists.
    """
    path = kept.with_name(f"{kept.stem}.{name}.npz")
    if not path.exists():
        encoder = load_encoder(name)
        texts = TextEmbeddings(encoder, EmbeddingCache(None, encoder.key))
        with contextlib.closing(texts):
            encoded = texts.vectors(encoded_texts(folder))
            names = texts.of_categories(labels)
        part = path.with_suffix(".part.npz")
        np.savez(part, encoded=encoded, names=names)
        part.rename(path)
    with np.load(path) as arrays:
        return arrays["encoded"], arrays["names"]


def encoded_texts(folder: Path) -> np.ndarray:
    """(n,) UTF-8 bytes that an encoder reads of the products of a folder."""
    found = _labelled(folder / "labelled.manifest", str(folder / "taxonomy.json"))
    titles, descriptions = (
        tf.constant([getattr(each.product, field) for each in found])
        for field in ("title", "description")
    )
    return text_to_encode(titles, descriptions).numpy()


def _image(product: LabelledProduct, sources: ImageSources) -> bytes:
    if not product.product.image:
        return b""
    source = sources.of(product.file)
    return source.read(source.locate(product.product.image))


def _terms(titles: list[str], descriptions: list[str]) -> dict[str, np.ndarray]:
    kept: dict[str, list[list[bytes]]] = {WORDS_VOCABULARY: [], PIECES_VOCABULARY: []}
    for start in range(0, len(titles), _TERM_BATCH):
        some = slice(start, start + _TERM_BATCH)
        cut = terms_of(np.array(titles[some], object), np.array(descriptions[some], object))
        for name, ragged in cut.items():
            kept[name] += ragged.to_list()
    arrays = {}
    for name, prefix in ((WORDS_VOCABULARY, "word"), (PIECES_VOCABULARY, "piece")):
        lengths = [len(each) for each in kept[name]]
        flat = np.array(
            [term for each in kept[name] for term in each], "S1" if not any(lengths) else None
        )
        arrays[f"{prefix}_starts"] = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        arrays[f"{prefix}_ids"] = np.unique(flat, return_inverse=True)[1].astype(np.int64)
    return arrays


def _embedded(images: list[bytes], name: str) -> np.ndarray:
    from shelfsort.training.images import decode_picture

    backbone = load_backbone(name)
    vectors = np.zeros((len(images), backbone.embedding_size), np.float32)
    shown = [place for place, image in enumerate(images) if image]
    for start in range(0, len(shown), _EMBED_BATCH):
        places = shown[start : start + _EMBED_BATCH]
        pixels = np.stack([decode_picture(images[p], backbone.image_size).numpy() for p in places])
        vectors[places] = backbone.model(pixels.astype(np.float32), training=False).numpy()
    return vectors
