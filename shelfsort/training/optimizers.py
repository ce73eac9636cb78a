"""AdamW for a tower's layers, and Adagrad for tables of which a batch has few rows.

Both run in TensorFlow's fused kernels. Keras' optimizers read and write a whole table and its two
moments at every step, which took nine tenths of a fit's time. Adagrad changes the batch's rows
alone, and gives rare terms, as the first occurrences of all, the largest steps.

AdamW: Kingma & Ba, "Adam: a method for stochastic optimization", ICLR 2015, with the weight decay
of Loshchilov & Hutter, "Decoupled weight decay regularization", ICLR 2019. Adagrad: Duchi, Hazan &
Singer, "Adaptive subgradient methods for online learning and stochastic optimization", JMLR 2011.
"""

import tensorflow as tf

_MOMENTUM, _SECOND_MOMENT, _EPSILON = 0.9, 0.999, 1e-7
# What Adagrad's sums of squared gradients begin with: less than one step adds.
_FIRST_SQUARE = 1e-10


class AdamW:
    """AdamW of one variable, in TensorFlow's fused kernel.

    Args:
        variable: to be updated.
        decay: weight decay.
    """

    def __init__(self, variable: tf.Variable, decay: float):
        self._variable = variable
        self._decay = decay
        self._moments = [
            tf.Variable(tf.zeros_like(variable), shape=variable.shape) for _ in range(2)
        ]

    def begin(self) -> None:
        """Forgets earlier steps; the variable may have another size than in these."""
        for moment in self._moments:
            moment.assign(tf.zeros_like(self._variable))

    def apply(self, gradient: tf.Tensor, rate: tf.Tensor, step: tf.Tensor) -> None:
        """Takes one step.

        Args:
            gradient: of the variable.
            rate: scalar learning rate.
            step: scalar float32 number of the step, from 1.
        """
        if self._decay:
            self._variable.assign_sub(rate * self._decay * self._variable)
        tf.raw_ops.ResourceApplyAdam(
            var=self._variable.handle,
            m=self._moments[0].handle,
            v=self._moments[1].handle,
            beta1_power=_MOMENTUM**step,
            beta2_power=_SECOND_MOMENT**step,
            lr=rate,
            beta1=_MOMENTUM,
            beta2=_SECOND_MOMENT,
            epsilon=_EPSILON,
            grad=gradient,
        )


class SparseAdagrad:
    """Adagrad of the rows of a table that a batch has; all others stay.

    Args:
        table: (rows, units) variable to be updated.
    """

    def __init__(self, table: tf.Variable):
        self._table = table
        first = tf.fill(tf.shape(table), _FIRST_SQUARE)
        self._squares = tf.Variable(first, shape=table.shape)

    def begin(self) -> None:
        """Forgets earlier steps; the table may have more or fewer rows than in these."""
        self._squares.assign(tf.fill(tf.shape(self._table), _FIRST_SQUARE))

    def apply(self, rows: tf.Tensor, gradient: tf.Tensor, rate: tf.Tensor) -> None:
        """Takes one step.

        Args:
            rows: (m,) int32, all different.
            gradient: (m, units) of the table at `rows`.
            rate: scalar learning rate.
        """
        tf.raw_ops.ResourceSparseApplyAdagradV2(
            var=self._table.handle,
            accum=self._squares.handle,
            lr=rate,
            epsilon=_EPSILON,
            grad=gradient,
            indices=rows,
        )
