"""Encodings, entities and HTML in texts."""

import pytest

from shelfsort.catalog.cleaning.text import (
    MOST_TAGS,
    decoded,
    html_as_text,
    without_entities,
    without_mojibake,
)


@pytest.mark.parametrize(
    ("broken", "repaired"),
    [
        ("schÃ¶n", "schön"),
        ("itâ€™s 5â€“10 cm", "it\u2019s 5\u201310 cm"),
        ("schön und 10 €", "schön und 10 €"),
        ("SÃO PAULO", "SÃO PAULO"),
        ("plain", "plain"),
    ],
)
def test_text_in_a_wrong_encoding_is_repaired_and_other_text_is_kept(broken, repaired):
    assert without_mojibake(broken) == repaired


def test_entities_become_characters_once():
    assert without_entities("R&amp;D &lt; 5&#8364; AT&T &amp;lt;") == "R&D < 5€ AT&T &lt;"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\nTwo"),
        ("<ul><li>Red<li>Blue</ul>tail", "Red\nBlue\ntail"),
        ("a<br/>b", "a\nb"),
        ("<div>A <b>bold</b>\n word</div>", "A bold word"),
        ("First\nsecond <b>bold</b>", "First\nsecond bold"),
        ("<table><tr><td>Size<td>10</table>", "Size\n10"),
        ("<style>p{}</style><script>alert('<p>')</script>Mug<!-- no -->", "Mug"),
        ("<p>5 &lt; 6", "5 < 6"),
    ],
)
def test_html_is_read_as_a_person_reads_it(source, text):
    assert html_as_text(source) == text


@pytest.mark.parametrize(
    ("source", "text", "changed"),
    [
        ("a < b & c > d", "a < b & c > d", set()),
        ("R&amp;amp;D", "R&D", {"entities"}),
        ("&lt;p&gt;One&lt;/p&gt;Two &amp;amp; more", "One\nTwo & more", {"entities", "html"}),
        ("<p>Tom &amp;amp; Co", "Tom & Co", {"html", "entities"}),
    ],
)
def test_html_is_decoded_however_often_it_was_encoded(source, text, changed):
    assert decoded(source) == (text, changed)


def test_a_rule_that_is_off_changes_nothing():
    assert decoded("<p>R&amp;D", entities=False, tags=False) == ("<p>R&amp;D", frozenset())
    assert decoded("<p>R&amp;D", tags=False) == ("<p>R&D", {"entities"})


@pytest.mark.parametrize(
    "hostile",
    [
        "<div>" * 40_000,
        "".join(f"<b a={number}>" for number in range(1_000)) + "<p>x" * 900,
        "<a " + "x=1 " * 50_000 + ">",
        "<!--" * 50_000,
        "&" + "amp;" * 40_000,
    ],
)
def test_hostile_html_gives_at_most_its_own_length(hostile):
    assert len(decoded(hostile)[0]) <= len(hostile)


def test_html_of_too_many_tags_keeps_its_words_and_lines():
    assert html_as_text("<p>a &amp; b</p>" * MOST_TAGS).split("\n") == ["a & b"] * MOST_TAGS
