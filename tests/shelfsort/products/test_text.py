import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfsort.client.messages import Product, checked
from shelfsort.products.groups import group_key
from shelfsort.products.manifest.lines import Line
from shelfsort.products.manifest.parsing import parse_record, read_record
from shelfsort.products.text import as_read

TITLE = "théière naturel violet n° 392"
WRITTEN = {
    "NFD": unicodedata.normalize("NFD", TITLE),
    "full-width": TITLE.replace("392", "３９２").replace("v", "ｖ"),
    "soft hyphen": TITLE.replace("naturel", "natu\u00adrel"),
    "zero-width space": TITLE.replace("naturel", "natu\u200brel"),
    "byte-order mark": "\ufeff" + TITLE,
    "entities": TITLE.replace("é", "&eacute;").replace("°", "&#176;").replace("è", "&#xe8;"),
}


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN)
def test_a_text_is_the_same_however_it_is_written(text):
    assert as_read(text) == as_read(TITLE) == unicodedata.normalize("NFC", TITLE)
    assert group_key(text, b"", "") == group_key(TITLE, b"", "")
    assert checked(Product(title=text)).title == as_read(TITLE).encode()


def test_ingestion_reads_it_so():
    line = Line(1, b'{"title": "<b>Mug</b> &amp; lid", "description": "natu\\u00adrel"}')
    product = parse_record(read_record(line), "shelf").product
    assert (product.title.split(), product.description) == (["Mug", "&", "lid"], "naturel")


def test_what_is_no_html_stays():
    for text in ("a < b > c", "3 <5> 4", "AT&T", "x & y;", "R&D;", "&nosuchentity;"):
        assert as_read(text) == text


def test_joiners_that_words_and_emoji_need_stay():
    for text in ("می\u200cخواهم", "👩\u200d🔬"):
        assert as_read(text) == text


@given(st.text())
def test_any_text_is_read_and_stays_as_it_then_is(text):
    once = as_read(text)
    if "&" not in once and "<" not in once:
        assert as_read(once) == once
