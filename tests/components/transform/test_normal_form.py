"""Unicode's normal form in TensorFlow's core ops, against Python's unicodedata."""

import unicodedata

import pytest
import tensorflow as tf

from components.transform import normal_form, text
from components.transform.normal_form import as_read as as_read_in_graph
from components.transform.normal_form import composed, without_entities
from components.transform.vocabularies import terms_of
from shelfsort.products.text import as_read

TITLES = [
    "théière naturel violet n° 392",
    "Bình giữ nhiệt, ế ệ ặ",
    "ガラスのコップ が ぱ",
    "머그컵 도자기 값",
    "ΑΰΏ ᾳ ї й",
    "plain ascii, 100 % cotton",
    "ÅÄÖ åäö ñ ç ž",
    "",
]


def in_graph(titles: list[str]) -> list[str]:
    return [title.decode() for title in composed(tf.constant(titles)).numpy()]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_letters_and_marks_become_what_unicode_says(form):
    found = in_graph([unicodedata.normalize(form, title) for title in TITLES])
    assert found == [unicodedata.normalize("NFKC", title) for title in TITLES]


def test_every_letter_with_marks_below_the_table_is_put_together_again():
    letters = [chr(code) for code in range(0x80, 0x3400) if unicodedata.decomposition(chr(code))]
    taken = [
        letter
        for letter in letters
        if unicodedata.normalize("NFKC", unicodedata.normalize("NFD", letter)) == letter
        and len(unicodedata.normalize("NFD", letter)) <= 3
        and unicodedata.normalize("NFD", letter) != letter
    ]
    assert len(taken) > 800
    found = in_graph([unicodedata.normalize("NFD", letter) for letter in taken])
    assert found == [unicodedata.normalize("NFKC", letter) for letter in taken]


def test_characters_of_other_widths_are_the_usual_ones_and_a_mark_stays_in_its_own_text():
    assert in_graph(["ＭＵＧ　１２！", "e", "\u0301a", "ｶﾞﾗｽのﾏｸﾞ"]) == [
        "MUG 12!",
        "e",
        "\u0301a",
        "ガラスのマグ",
    ]


def test_broken_bytes_are_one_character_each_and_no_error():
    assert composed(tf.constant([b"\xffok\xc3"])).numpy()[0].decode() == "\ufffdok\ufffd"
    broken = [b"\xffok\xc3", b"e\xcc\x81 \xff"]
    assert as_read_in_graph(tf.constant(broken)).numpy().tolist() == broken


def test_only_titles_in_another_form_take_the_long_way(monkeypatch):
    taken = []

    def long_way(titles):
        taken.extend(titles.numpy().tolist())
        return titles

    monkeypatch.setattr(normal_form, "composed", long_way)
    usual = [
        "Théière & tasse",
        "plain",
        "머그컵",
        "कुर्ता 100 %",
        "ガラス（大）",
        "½ l",
        "",
        "a & b;",
    ]
    other = [
        unicodedata.normalize("NFD", "thé"),
        "ＭＵＧ",
        "m²",
        "caf&eacute;",
        "ｶﾞ",
        unicodedata.normalize("NFD", "각"),
    ]
    found = as_read_in_graph(tf.constant([*usual, *other]))
    assert [each.decode() for each in found.numpy()[: len(usual)]] == usual
    assert len(taken) == len(other)
    taken.clear()
    as_read_in_graph(tf.constant(usual))
    assert taken == []


def test_titles_and_descriptions_in_another_form_have_the_terms_of_those_in_the_normal_one():
    titles, descriptions = ["Théière", "Mug", ""], ["en grès", "plain", "Ｇｒèｓ"]
    read, raw = (
        terms_of(
            *(
                tf.constant([unicodedata.normalize(form, each) for each in texts])
                for texts in (titles, descriptions)
            )
        )
        for form in ("NFKC", "NFD")
    )
    for name in read:
        assert raw[name].to_list() == read[name].to_list()


@pytest.mark.parametrize(
    "title",
    [
        "th&eacute;i&egrave;re & gla&ccedil;on",
        "Caf&Eacute; &amp; Bar &quot;No&nbsp;1&quot; &#39;x&#39;",
        "M&uuml;sli-Sch&uuml;ssel, wei&szlig; &lt;3",
        "<b>Mug</b> &ntilde; soft\u00adhyphen zero\u200bwidth",
        unicodedata.normalize("NFD", "théière <i>à</i> l’été"),
    ],
)
def test_a_raw_title_has_the_words_that_the_readers_make_of_it(title):
    read = text.words(tf.constant([as_read(title)])).to_list()
    raw = text.words(as_read_in_graph(tf.constant([title]))).to_list()
    assert raw == read
    assert raw[0]


def test_entities_that_are_no_letters_are_blanks():
    assert without_entities(tf.constant(["a&amp;b &unknown; &"])).numpy()[0] == b"a b &unknown; &"
