"""The targets of `tests.fuzz.inputs`, fuzzed by atheris, which follows what the input reaches.

`python -m tests.fuzz.guided TARGET [libFuzzer's options]` fuzzes one target, or `all` of them in
turn. Without options it runs until it finds an input that the target does not pass.
"""

import contextlib
import sys

import atheris

with atheris.instrument_imports(include=["components", "serving", "shelfsort"]):
    from hypothesis.errors import HypothesisException

    from tests.fuzz.inputs import TARGETS

ALL = "all"


def main(target: str, options: list[str]) -> None:
    """Fuzzes one target, or all; does not return."""
    names = sorted(TARGETS) if target == ALL else [target]
    fuzzed = [TARGETS[name].hypothesis.fuzz_one_input for name in names]

    def once(content: bytes) -> None:
        chosen = content[0] % len(fuzzed) if content else 0
        # What makes no input of this target.
        with contextlib.suppress(HypothesisException):
            fuzzed[chosen](content[1:])

    atheris.Setup([sys.argv[0], *options], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
