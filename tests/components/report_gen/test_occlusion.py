"""A product's text without one word after another, as the model is shown it."""

import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from components.report_gen.explanations import MOST_WORDS
from components.report_gen.occlusion import DESCRIPTION, PRICE, WORD, TextOf
from shelfsort.contract.signatures import NO_PRICE


def shown(example: bytes) -> tuple[str, str, float]:
    feature = tf.train.Example.FromString(example).features.feature
    assert "image" not in feature
    title, description = (
        " ".join(feature[name].bytes_list.value[0].decode().split())
        for name in ("title", "description")
    )
    return title, description, feature["price"].float_list.value[0]


def without(title: str, description: str = "", price: float = NO_PRICE) -> dict:
    return {
        (each.kind, each.word): shown(each.shown)
        for each in TextOf(title, description, price).left_out()
    }


def test_a_word_is_left_out_wherever_it_occurs_in_whatever_case():
    assert without("Red boots (red)", "RED, and warm.", 5.0) == {
        (WORD, "Red"): ("boots", "and warm.", 5.0),
        (WORD, "boots"): ("Red (red)", "RED, and warm.", 5.0),
        (WORD, "and"): ("Red boots (red)", "RED, warm.", 5.0),
        (WORD, "warm"): ("Red boots (red)", "RED, and", 5.0),
        (DESCRIPTION, ""): ("Red boots (red)", "", 5.0),
        (PRICE, ""): ("Red boots (red)", "RED, and warm.", NO_PRICE),
    }


def test_words_keep_hyphens_and_marks_and_signs_alone_are_none():
    assert [word for _, word in without("T-shirt - हिन्दी &")] == ["T-shirt", "हिन्दी"]


def test_characters_of_scripts_without_spaces_are_words():
    assert [word for _, word in without("皮靴 shoes皮")] == ["皮", "靴", "shoes"]
    assert without("皮靴 shoes皮")[(WORD, "皮")][0] == "靴 shoes"


def test_long_texts_are_left_out_up_to_a_bound_and_titles_come_first():
    left_out = without("last words", " ".join(f"w{i}" for i in range(1000)))
    words = [word for kind, word in left_out if kind == WORD]
    assert words[:3] == ["last", "words", "w0"] and len(words) == MOST_WORDS


def test_markup_and_what_has_no_width_is_no_word():
    feature = {
        name: tf.train.Feature(bytes_list={"value": [text.encode()]})
        for name, text in (("title", "<b>Tea</b>\u200b &amp; <script>mug"), ("image", "picture"))
    }
    text = TextOf.of(tf.train.Example(features={"feature": feature}))
    assert [each.word for each in text.left_out()] == ["Tea", "mug"]
    assert shown(text.shown()) == ("Tea & mug", "", NO_PRICE)


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_is_left_out_within_bounds(title, description):
    left_out = list(TextOf(title, description, NO_PRICE).left_out())
    assert len(left_out) <= MOST_WORDS + 1
    for each in left_out:
        assert each.word or each.kind == DESCRIPTION
