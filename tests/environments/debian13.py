"""A bare Debian 13 root of our own, in which TFX 1.21 runs whatever this machine is.

It is made once with debootstrap and kept. The checkout in it is a clone of the commit under test.
"""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
KEPT = Path(os.environ.get("SHELFSORT_DEBIAN13", Path.home() / ".cache/shelfsort/debian13"))
# A folder that has the same path inside and outside.
SHARED = KEPT.parent / "shared"
CHECKOUT = "/srv/shelfsort"
_PACKAGES = "python3,python3-venv,python3-dev,ca-certificates,make,git,gcc,g++"
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
# Mounts live in a namespace of their own, so that none outlives the command.
_ENTER = """
mount -t proc proc "$0/proc"
mount --rbind /dev "$0/dev"
mkdir -p "$1" "$0$1"
mount --bind "$1" "$0$1"
shift
exec chroot "$0" "$@"
"""


def reason_to_skip() -> str:
    """Why no root can be made here; "" where it can, or is there."""
    if os.geteuid() != 0:
        return "a Debian 13 root needs a superuser"
    if not _is_whole() and shutil.which("debootstrap") is None:
        return "debootstrap is not installed: apt install debootstrap"
    return ""


def make_root() -> None:
    """Makes the root where there is none, and puts a clone of this commit into it."""
    if not _is_whole():
        shutil.rmtree(KEPT, ignore_errors=True)
        KEPT.parent.mkdir(parents=True, exist_ok=True)
        command = ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", "trixie", KEPT]
        subprocess.run(command, check=True, capture_output=True, text=True)
    for path in (_CERTIFICATES, Path("/etc/resolv.conf")):
        if path.exists():
            shutil.copy(path, KEPT / path.relative_to("/"))
    checkout = KEPT / CHECKOUT[1:]
    if not (checkout / ".git").is_dir():
        subprocess.run(["git", "clone", "--quiet", ROOT, checkout], check=True)
    commit = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=ROOT, text=True).strip()
    for arguments in (["fetch", "--quiet", ROOT, "HEAD"], ["checkout", "--quiet", commit]):
        subprocess.run(["git", *arguments], cwd=checkout, check=True)


def inside(*command: str, timeout_s: float = 7200) -> str:
    """Runs a command in the root's checkout; returns what it printed.

    Raises:
        AssertionError: it failed; with the end of its output.
    """
    script = f'cd {CHECKOUT} && exec "$0" "$@"'
    environment = {**os.environ, "HOME": "/root", "TF_CPP_MIN_LOG_LEVEL": "3"}
    for name in ("PYTHONPATH", "VIRTUAL_ENV", "PYENV_VERSION", "PYTHON", "STACK"):
        environment.pop(name, None)
    environment["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-ec", _ENTER, KEPT, SHARED, "sh", "-c", script, *command],
        capture_output=True,
        text=True,
        env=environment,
        timeout=timeout_s,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout


def _is_whole() -> bool:
    return (KEPT / "usr/bin/python3").exists() and not (KEPT / "debootstrap").exists()
