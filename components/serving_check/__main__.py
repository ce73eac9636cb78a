"""Starts `replay`, which says what it takes, with TensorFlow and little else imported."""

import sys

from shelfsort.core.lean_imports import lean_keras


def main() -> None:
    """Runs the replay with the arguments of the command line."""
    with lean_keras():
        from components.serving_check import replay
    replay.main(sys.argv[1:])


if __name__ == "__main__":
    main()
