import hashlib
import json
from base64 import b64decode

import pytest

from shelfsort.core.web.inline import script_digest, script_json


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
