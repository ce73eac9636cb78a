"""Types of what a component is told when the pipeline is made, or only when it is run."""

from tfx.orchestration.data_types import RuntimeParameter

TextParameter = str | RuntimeParameter
