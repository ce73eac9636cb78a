"""The targets of `tests.fuzz.inputs`, fuzzed by atheris, which follows what the input reaches.

`python -m tests.fuzz.guided TARGET [libFuzzer's options]` needs `pip install atheris`. Without
options it runs until it finds an input that the target does not pass.
"""

import contextlib
import sys

import atheris

with atheris.instrument_imports(include=["components", "serving", "shelfsort"]):
    from hypothesis.errors import HypothesisException

    from tests.fuzz.inputs import TARGETS


def main(target: str, options: list[str]) -> None:
    """Fuzzes one target; does not return."""
    fuzz_one = TARGETS[target].hypothesis.fuzz_one_input

    def once(content: bytes) -> None:
        # What makes no input of this target.
        with contextlib.suppress(HypothesisException):
            fuzz_one(content)

    atheris.Setup([sys.argv[0], *options], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
