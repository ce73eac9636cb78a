"""Towers start from the live model's, whatever has become of vocabularies and categories."""

import json
import shutil
from dataclasses import asdict, replace

import numpy as np
import pytest
from pydantic import TypeAdapter

from shelfsort.training.settings import FitConfig, ImageConfig, TextConfig, TrainingConfig

SPLITS = {"train": 80, "calibration": 10, "eval": 10}
CONFIG = TrainingConfig(image=ImageConfig(units=4), text=TextConfig(units=5))


@pytest.fixture(scope="module")
def warm_start():
    from shelfsort.training import warm_start

    return warm_start


def towers_for(terms, **changes):
    from shelfsort.training.towers import build_towers

    sizes = {"price_buckets": 3, "embedding_size": 6, "text_units": 5, "image_units": 4}
    return build_towers(
        words=len(terms.words),
        pieces=len(terms.pieces),
        categories=len(terms.categories),
        dropout=0.1,
        **{**sizes, **changes},
    )


@pytest.fixture(scope="module")
def live(warm_start):
    """Live towers, their terms, and what `ServedModel` keeps of them behind a backbone's values."""
    terms = warm_start.Terms([b"red", b"mug", b"hat"], [b"re", b"mu"], [b"mugs", b"hats"])
    towers = towers_for(terms)
    values = [np.ones(7), *(variable.numpy() for variable in towers.variables)]
    return towers, warm_start.LiveTowers(terms, values)


def inputs(words, pieces):
    return {
        "word_ids": np.array([words], np.int32),
        "word_weights": np.full((1, len(words)), 0.5, np.float32),
        "piece_ids": np.array([pieces], np.int32),
        "piece_weights": np.ones((1, len(pieces)), np.float32),
        "price_bucket": np.array([2], np.int32),
        "embeddings": np.arange(6, dtype=np.float32)[None] - 2,
    }


def test_known_terms_and_categories_answer_as_they_did_wherever_they_stand_now(warm_start, live):
    old, live_towers = live
    terms = warm_start.Terms(
        [b"hat", b"boot", b"red"], [b"mu", b"bo", b"re"], [b"boots", b"hats", b"mugs"]
    )
    new = towers_for(terms)
    fresh = {name: new.get_layer(name).kernel.numpy()[:, 0] for name in ("text", "image")}
    live_towers.start(new, terms)
    before = old(inputs([1, 3], [1, 2]), training=False)
    after = new(inputs([3, 1], [3, 1]), training=False)
    for name in ("text", "image"):
        np.testing.assert_allclose(
            np.asarray(after[name])[:, [2, 1]], np.asarray(before[name]), rtol=1e-5, atol=1e-6
        )
        np.testing.assert_array_equal(new.get_layer(name).kernel.numpy()[:, 0], fresh[name])


def test_a_new_term_starts_fresh(warm_start, live):
    terms = warm_start.Terms([b"boot", b"mug"], [b"re"], [b"mugs", b"hats"])
    new = towers_for(terms)
    fresh = new.get_layer("word_bag").table.embeddings.numpy()[1]
    live[1].start(new, terms)
    table = new.get_layer("word_bag").table.embeddings.numpy()
    np.testing.assert_array_equal(table[1], fresh)
    np.testing.assert_array_equal(
        table[2], live[0].get_layer("word_bag").table.embeddings.numpy()[2]
    )


@pytest.mark.parametrize("changes", [{"text_units": 6}, {"image_units": 3}, {"embedding_size": 9}])
def test_towers_that_are_built_otherwise_start_cold_and_untouched(warm_start, live, changes):
    new = towers_for(live[1].terms, **changes)
    before = [variable.numpy() for variable in new.variables]
    with pytest.raises(warm_start.ColdStart, match=r"where .* is due"):
        live[1].start(new, live[1].terms)
    for variable, value in zip(new.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)


def test_vocabularies_of_another_model_start_cold(warm_start, live):
    other = replace(live[1], terms=replace(live[1].terms, words=[b"x"] * 9 + [b"red"]))
    with pytest.raises(warm_start.ColdStart, match="do not belong"):
        other.start(towers_for(live[1].terms), live[1].terms)


@pytest.mark.parametrize(("could", "passes", "rate"), [(True, 2, 1e-3), (False, 12, 2e-3)])
def test_a_warm_fit_takes_fewer_passes_at_a_lower_rate_and_a_cold_one_does_not(
    monkeypatch, could, passes, rate
):
    from shelfsort.training import fitting

    fits = []

    def fit_once(towers, train, weights, config, steps, *, seed, log_dir):
        fits.append((towers, config.fit.epochs, config.fit.learning_rate))

    monkeypatch.setattr(fitting, "sample_weights", lambda *_: None)
    monkeypatch.setattr(fitting, "_fresh_towers", lambda *_: "towers")
    monkeypatch.setattr(fitting, "_fit_once", fit_once)
    sizes = fitting.VocabularySizes(1, 1, 1, 2)
    config = replace(CONFIG, fit=FitConfig(epochs=12, learning_rate=2e-3))
    towers = fitting.fit_all(None, sizes, config, None, start=lambda _: could)
    assert towers == "towers"
    assert fits == [("towers", passes, rate)]


def lineage(folder, **changes):
    document = {"splits": SPLITS, "training": asdict(CONFIG), **changes}
    (folder / "assets.extra").mkdir(parents=True)
    (folder / "assets.extra" / "shelfsort.json").write_text(json.dumps(document))
    (folder / "saved_model.pb").touch()
    return str(folder)


def test_without_a_live_model_the_start_is_cold(warm_start, tmp_path):
    for path in ("", str(tmp_path)):
        with pytest.raises(warm_start.ColdStart, match="no model is live"):
            warm_start.read_live_towers(path, CONFIG, SPLITS)


def test_a_model_whose_training_products_may_be_held_out_now_is_not_started_from(
    warm_start, tmp_path
):
    path = lineage(tmp_path)
    with pytest.raises(warm_start.ColdStart, match="split otherwise"):
        warm_start.read_live_towers(path, CONFIG, {**SPLITS, "eval": 20})


def test_other_settings_of_the_towers_start_cold(warm_start, tmp_path):
    path = lineage(tmp_path)
    with pytest.raises(warm_start.ColdStart, match=r"training\.image\.units is 9, not 4 as live"):
        warm_start.read_live_towers(path, replace(CONFIG, image=ImageConfig(units=9)), SPLITS)


@pytest.mark.parametrize("modality", ["image", "text"])
def test_a_model_of_a_tuned_network_starts_cold(warm_start, tmp_path, modality):
    own = {"fine_tuning": {"layers": "all"}}
    path = lineage(tmp_path, training={**asdict(CONFIG), modality: own})
    with pytest.raises(warm_start.ColdStart, match="is fine-tuned"):
        warm_start.read_live_towers(path, CONFIG, SPLITS)


def test_settings_that_an_earlier_version_recorded_are_compared_under_their_new_names(
    warm_start, tmp_path
):
    earlier = {"backbone": CONFIG.image.backbone, "backbone_weights": "", "text_units": 5}
    same = lineage(tmp_path / "same", training={**earlier, "image_units": 4})
    with pytest.raises(warm_start.ColdStart, match="cannot be read"):
        warm_start.read_live_towers(same, CONFIG, SPLITS)
    other = lineage(tmp_path / "other", training={**earlier, "image_units": 9})
    with pytest.raises(warm_start.ColdStart, match=r"training\.image\.units is 4, not 9 as live"):
        warm_start.read_live_towers(other, CONFIG, SPLITS)


def test_a_model_that_cannot_be_read_starts_cold(warm_start, tmp_path):
    path = lineage(tmp_path)
    with pytest.raises(warm_start.ColdStart, match="cannot be read"):
        warm_start.read_live_towers(path, CONFIG, SPLITS)


@pytest.mark.slow
def test_towers_started_from_a_served_model_answer_as_it_does(warm_start, training, tmp_path):
    import tensorflow as tf
    import tensorflow_transform as tft

    model = tmp_path / "model"
    shutil.copytree(training.model, model)
    lineage = json.loads((model / "assets.extra" / "shelfsort.json").read_text())
    config = TypeAdapter(TrainingConfig).validate_python(lineage["training"])
    found = warm_start.read_live_towers(str(model), config, SPLITS)
    towers = towers_for(
        found.terms,
        price_buckets=48,
        embedding_size=1280,
        text_units=config.text.units,
        image_units=config.image.units,
    )
    found.start(towers, found.terms)

    files = sorted(map(str, (training.raw / "Split-calibration").iterdir()))
    records = list(tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator())
    graph = tft.TFTransformOutput(str(training.transform_graph))
    features = graph.transform_features_layer()(
        tf.io.parse_example(records, graph.raw_feature_spec())
    )
    wordy = (features["has_text"].numpy() > 0) & (features["has_image"].numpy() == 0)
    served = tf.saved_model.load(str(model)).signatures["evaluate"](tf.constant(records))
    names = ("word_ids", "word_weights", "piece_ids", "piece_weights", "price_bucket")
    given = {name: features[name].numpy() for name in names}
    given["embeddings"] = np.zeros((len(records), 1280), np.float32)
    logits = np.asarray(towers(given, training=False)["text"])[wordy]
    expected = served["category"].numpy()[wordy]
    assert wordy.sum() > 10
    assert [found.terms.categories[k] for k in logits.argmax(1)] == list(expected)
