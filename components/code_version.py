"""The commit of the code that is running, for a model's lineage."""

import os
import subprocess
from pathlib import Path

# Set when the container image is built, where there is no repository to ask.
COMMIT_VARIABLE = "SHELFSORT_GIT_COMMIT"


def code_commit() -> str:
    """Returns the commit's 40 hex digits, with "+changes" when files differ from it; "" if unknown.

    Asks the environment first, then git in the folder that this code stands in.
    """
    named = os.environ.get(COMMIT_VARIABLE)
    if named:
        return named
    commit = _git("rev-parse", "HEAD")
    if not commit:
        return ""
    return f"{commit}+changes" if _git("status", "--porcelain", "--untracked-files=no") else commit


def _git(*arguments: str) -> str:
    root = Path(__file__).parents[1]
    # An installed package may stand beneath somebody else's repository.
    if not (root / ".git").exists():
        return ""
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
