"""GPUs that are asked for and absent."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shelfsort.core.errors import InputError
from shelfsort.training.finetuning.devices import find_devices, require_gpus
from shelfsort.training.settings import FineTuningConfig, TextFineTuningConfig


@pytest.fixture
def no_gpu(monkeypatch):
    import tensorflow as tf

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])


@pytest.mark.usefixtures("no_gpu")
def test_an_absent_gpu_stops_tuning_with_one_line():
    with pytest.raises(InputError) as error:
        require_gpus(FineTuningConfig(layers="all", gpus=2))
    message = str(error.value)
    assert "training.image.fine_tuning.gpus" in message and "\n" not in message


@pytest.mark.usefixtures("no_gpu")
def test_the_tuning_of_an_encoder_names_its_own_setting():
    with pytest.raises(InputError, match=r"^training\.text\.fine_tuning\.gpus: 1 wanted"):
        require_gpus(TextFineTuningConfig(layers="all", gpus=1))


@pytest.mark.usefixtures("no_gpu")
def test_without_tuning_no_gpu_is_needed():
    assert not require_gpus(FineTuningConfig(gpus=2))


@pytest.mark.usefixtures("no_gpu")
def test_the_cpu_computes_in_32_bits():
    assert find_devices(FineTuningConfig(layers="all")).precision == "float32"


# Two logical CPUs stand for two GPUs. They have to be there before TensorFlow starts.
_TWO = """
from tests.fixtures.tuning import Shop, tiny_backbone
import numpy as np
import tensorflow as tf
(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from shelfsort.training.finetuning.devices import Devices
devices = Devices(tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"]))
assert devices.strategy.num_replicas_in_sync == 2
tuned = Shop.of().tuner(devices=devices, epochs=3).tune(np.arange(36)).backbone
pairs = zip(tuned.model.get_weights(), tiny_backbone().model.get_weights(), strict=True)
print("moved", max(np.abs(a - b).max() for a, b in pairs))
"""


@pytest.mark.slow
def test_several_devices_share_a_batch():
    found = subprocess.run(
        [sys.executable, "-c", _TWO],
        cwd=Path(__file__).parents[4],
        check=False,
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr[-2000:]
    assert 1e-4 < float(found.stdout.split("moved")[1]) < 1


_UNDER_JAX = """
from tests.fixtures.tuning import Shop, tiny_backbone
import keras
import numpy as np
assert keras.backend.backend() == "jax"
from shelfsort.training.finetuning.devices import find_devices
from shelfsort.training.settings import FineTuningConfig
devices = find_devices(FineTuningConfig(layers="all"))
tuned = Shop.of().tuner(devices=devices, epochs=3).tune(np.arange(36)).backbone
pairs = zip(tuned.model.get_weights(), tiny_backbone().model.get_weights(), strict=True)
print("moved", max(np.abs(a - b).max() for a, b in pairs))
"""


@pytest.mark.slow
def test_the_same_network_is_tuned_under_jax():
    pytest.importorskip("jax")
    found = subprocess.run(
        [sys.executable, "-c", _UNDER_JAX],
        cwd=Path(__file__).parents[4],
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr[-2000:]
    assert 1e-4 < float(found.stdout.split("moved")[1]) < 1
