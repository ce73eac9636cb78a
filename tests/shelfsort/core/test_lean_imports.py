import subprocess
import sys

import pytest

from shelfsort.core.lean_imports import lean_keras

SCRIPT = """
import sys
from shelfsort.core.lean_imports import lean_keras
with lean_keras():
    import tensorflow as tf
heavy = [name for name in ("IPython", "matplotlib", "pandas", "sklearn") if name in sys.modules]
import pandas
print(heavy, tf.keras.layers.Dense(2)(tf.ones([1, 3])).shape, pandas.DataFrame([1]).shape)
"""


@pytest.mark.slow
def test_tensorflow_is_imported_without_what_keras_needs_for_notebooks():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.stdout.strip() == "[] (1, 2) (1, 1)", done.stderr


def test_a_package_that_is_imported_stays_so(monkeypatch):
    import pandas

    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    with lean_keras():
        assert sys.modules["pandas"] is pandas
        with pytest.raises(ImportError):
            import IPython  # noqa: F401
    assert sys.modules["pandas"] is pandas
    assert "IPython" not in sys.modules
