"""Types of parameters that are given when the pipeline is made, or only when it runs."""

from tfx.orchestration.data_types import RuntimeParameter

TextParameter = str | RuntimeParameter
