"""AdamW with a learning rate for each layer, a warm-up, a cosine and averaged weights."""

from collections.abc import Mapping

import keras

from shelfsort.training.finetuning.network import rate_shares
from shelfsort.training.settings import FineTuning

_WEIGHT_DECAY = 0.01
_GREATEST_NORM = 5.0
_WARM_UP_STEPS, _WARM_UP_SHARE = 50, 0.1
# The average of the weights forgets within so many steps, or a tenth of a short tuning's.
_AVERAGED_STEPS, _AVERAGED_SHARE = 200, 0.1


class LayerwiseAdamW(keras.optimizers.AdamW):
    """Keras' AdamW, in which every variable has a share of the learning rate.

    Args:
        shares: by path of the variable; those without one have the whole rate.
        options: of Keras' AdamW.
    """

    def __init__(self, shares: Mapping[str, float], **options):
        super().__init__(**options)
        self._shares = dict(shares)

    def update_step(self, gradient, variable, learning_rate):
        """See Keras."""
        # TensorFlow hands over its own variable, which knows no path.
        own = self._trainable_variables[self._get_variable_index(variable)]
        share = self._shares.get(own.path, 1.0)
        super().update_step(gradient, variable, learning_rate * share)


def optimizer_of(model: keras.Model, config: FineTuning, steps: int) -> LayerwiseAdamW:
    """The optimizer of a stage.

    Args:
        model: that is trained.
        config: settings.
        steps: batches of the stage.
    """
    updates = max(1, steps // config.accumulated_batches)
    warm_up = max(1, min(_WARM_UP_STEPS, int(_WARM_UP_SHARE * updates)))
    rate = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        decay_steps=max(1, updates - warm_up),
        warmup_target=config.learning_rate,
        warmup_steps=warm_up,
    )
    averaged = max(1.0, min(_AVERAGED_STEPS, _AVERAGED_SHARE * updates))
    accumulated = config.accumulated_batches
    optimizer = LayerwiseAdamW(
        rate_shares(model, config.first_layer_rate),
        learning_rate=rate,
        weight_decay=_WEIGHT_DECAY,
        global_clipnorm=_GREATEST_NORM,
        use_ema=True,
        ema_momentum=1 - 1 / averaged,
        gradient_accumulation_steps=accumulated if accumulated > 1 else None,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer
