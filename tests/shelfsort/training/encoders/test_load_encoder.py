import sys

import pytest

from shelfsort.core.errors import InputError
from shelfsort.training.encoders import NAMES, load_encoder
from shelfsort.training.encoders.text_ops import tensorflow_text
from shelfsort.training.weights import REGISTRY


def test_every_encoder_has_packaged_weights():
    assert NAMES == ("minilm", "e5_multilingual")
    assert all(REGISTRY[name].licence for name in NAMES)


def test_an_unknown_encoder_is_named():
    with pytest.raises(InputError, match=r"'bert' is none of minilm, e5_multilingual"):
        load_encoder("bert")


def test_missing_weights_of_a_site_are_named(tmp_path):
    with pytest.raises(InputError, match=r"nothing: No such file.*encoder_weights needs it"):
        load_encoder("e5_multilingual", str(tmp_path / "nothing"))


def test_a_file_that_is_no_weights_is_named(tmp_path):
    path = tmp_path / "own.bin"
    path.write_bytes(b"E5S1")
    with pytest.raises(InputError, match=r"own\.bin: the file is cut off"):
        load_encoder("e5_multilingual", str(path))


def test_a_missing_tensorflow_text_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_text", None)
    tensorflow_text.cache_clear()
    with pytest.raises(InputError, match=r"pip install 'shelfsort\[encoders\]'"):
        tensorflow_text()
