import hashlib
import json
from base64 import b64decode

import pytest

from shelfsort.core.web.document import document
from shelfsort.core.web.inline import page_bytes, script_digest, script_json, shown_json


def test_json_never_ends_its_element_and_stays_the_same():
    text = "</script><!-- & \u2028"
    written = script_json([text])
    assert json.loads(written) == [text]
    assert not set("<>&\u2028") & set(written)


def test_json_refuses_what_a_browser_cannot_parse():
    with pytest.raises(ValueError, match="JSON"):
        script_json(float("nan"))


def test_a_digest_is_the_sha_256_of_the_script():
    assert b64decode(script_digest("é")) == hashlib.sha256("é".encode()).digest()


HOSTILE = "a\u202eb\x1b[31m\ud800\x00\u2066\ufeff"


def test_a_page_holds_no_character_that_controls_a_terminal_or_turns_a_line_round():
    page = f"<p>\n\té \u05d0 👨\u200d👩 {HOSTILE}</p>"
    written = page_bytes(page).decode("utf-8")
    assert written == (
        "<p>\n\té \u05d0 👨\u200d👩 a\\u202eb\\x1b[31m\\ud800\\x00\\u2066\\ufeff</p>"
    )
    assert b"\\u202e" in document(HOSTILE, f"<p>{HOSTILE}</p>")


def test_data_that_a_page_shows_is_visible_as_text():
    assert json.loads(shown_json({HOSTILE: [HOSTILE, 1, None]})) == {
        "a\\u202eb\\x1b[31m\\ud800\\x00\\u2066\\ufeff": [
            "a\\u202eb\\x1b[31m\\ud800\\x00\\u2066\\ufeff",
            1,
            None,
        ]
    }
