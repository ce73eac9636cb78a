"""Renders a task page as Ground Truth does: Liquid with AWS's own filters.

https://docs.aws.amazon.com/sagemaker/latest/dg/sms-custom-templates-step2-automate.html
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from liquid import Environment
from liquid.exceptions import LiquidError
from markupsafe import Markup

from shelfsort.core.errors import InputError

_CROWD_SCRIPT = re.compile(
    r"<script\b[^>]*\bsrc\s*=\s*[\"']https://assets\.crowd\.aws/[^>]*>\s*</script\s*>",
    re.IGNORECASE,
)
_SCRIPT = re.compile(r"<script\b", re.IGNORECASE)
Grant = Callable[[str], str]


class _Limited(Environment):
    loop_iteration_limit = 100_000
    output_stream_limit = 32_000_000
    context_depth_limit = 20


class LiquidPage:
    """A template whose values are escaped unless `skip_autoescape` says otherwise.

    Args:
        name: of the template, for messages.
        text: of the template.
        grant: turns the address of a file into one that a browser may read.

    Raises:
        InputError: the text is no Liquid template.
    """

    def __init__(self, name: str, text: str, grant: Grant):
        self._name = name
        environment = _Limited(autoescape=True)
        environment.add_filter("to_json", _to_json)
        environment.add_filter("skip_autoescape", Markup)
        environment.add_filter("grant_read_access", lambda value: grant(str(value)))
        # Scripts of the template may run, and those that a value smuggles in may not.
        marked = _SCRIPT.sub('<script nonce="{{ script_nonce }}"', _CROWD_SCRIPT.sub("", text))
        try:
            self._template = environment.from_string(marked)
        except LiquidError as error:
            raise self._refused(error) from error

    def render(self, task_input: Mapping[str, Any], nonce: str = "") -> str:
        """The page of one task.

        Args:
            task_input: `task.input` of the template.
            nonce: that the scripts of the template carry.

        Raises:
            InputError: the template cannot be rendered.
        """
        try:
            return str(self._template.render(task={"input": task_input}, script_nonce=nonce))
        except LiquidError as error:
            raise self._refused(error) from error

    def _refused(self, error: LiquidError) -> InputError:
        line = getattr(error.token, "start_index", None)
        text = getattr(error.token, "source", "")
        number = f":{text.count(chr(10), 0, line) + 1}" if line is not None and text else ""
        said = " ".join(str(error.args[0] if error.args else error).split())
        return InputError(f"{self._name}{number}: {said}. Correct the template.")


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
