"""Exits with 2, and one line that says what to install, where this Python cannot build pyfarmhash.

TFDV needs pyfarmhash, which comes as C++ sources only. Usage: python stacks/check_compiler.py
"""

import os
import shutil
import sys
import sysconfig
from pathlib import Path


def missing() -> list[str]:
    """What is missing, of the compilers that the Python was made with and its headers."""
    wanted = {
        name: os.environ.get(name) or sysconfig.get_config_var(name) for name in ("CC", "CXX")
    }
    programs = [(command or name).split()[0] for name, command in wanted.items()]
    headers = Path(sysconfig.get_path("include"), "Python.h")
    return [each for each in programs if shutil.which(each) is None] + (
        [] if headers.is_file() else [str(headers)]
    )


if __name__ == "__main__":
    if absent := missing():
        print(
            f"shelfsort: not found: {', '.join(absent)}. A dependency comes as C++ sources. "
            "Run: apt install g++ python3-dev",
            file=sys.stderr,
        )
        sys.exit(2)
