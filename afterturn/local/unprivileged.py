"""Run PostgreSQL as another user when this process is root, because PostgreSQL refuses to run as root.

Its own files and the data directory may be below folders that only root can enter, such as root's home. These ways are
tried, from the fewest privileges to the most, and the first that works is used:

1. as the other user, without further privileges;
2. as the other user with CAP_DAC_OVERRIDE, which ignores file permissions, and no other privilege of root;
3. as root in a user namespace, where root has another user id.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from afterturn.errors import LocalServerError

PREFERRED_USERS = ("postgres", "nobody")
TRIAL_SECONDS = 10
#: The user id that Linux uses for unknown users (nobody).
UNKNOWN_USER_ID = 65_534


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The user as whom a program runs, and how to start it so."""

    #: Arguments to put before the program's arguments.
    prefix: tuple[str, ...]
    #: The required owner of its data directory, as seen outside of a namespace.
    user_id: int
    group_id: int


def find_identity(trial: list[str], *, owner_id: int | None = None) -> Identity:
    """Return the identity to run a program with. It is our own when this process is not root.

    Args:
        trial: a command that accesses the files that the program needs; its exit code 0 means that an identity works.
        owner_id: the owner of existing data, who stays their owner.

    Raises LocalServerError when no identity works.
    """
    if os.geteuid() != 0:
        return Identity(prefix=(), user_id=os.geteuid(), group_id=os.getegid())
    candidates = _candidates(owner_id)
    for identity in candidates:
        if _succeeds([*identity.prefix, *trial]):
            return identity
    tried = "; ".join(" ".join(identity.prefix) for identity in candidates) or "there is neither setpriv nor unshare"
    raise LocalServerError(
        "PostgreSQL refuses to run as root, and no way to run it as another user works here "
        f"(tried: {tried}). Run as an ordinary user, or set AFTERTURN_POSTGRES_URL"
    )


def _candidates(owner_id: int | None) -> list[Identity]:
    user_id, group_id = _user(owner_id)
    found = []
    if setpriv := shutil.which("setpriv"):
        as_user = (setpriv, f"--reuid={user_id}", f"--regid={group_id}", "--clear-groups")
        plain = (*as_user, "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs")
        # PostgreSQL finds its own files with access(2), which ignores the capability without no_setuid_fixup.
        capability = ("--inh-caps=-all,+dac_override", "--ambient-caps=+dac_override", "--securebits=+no_setuid_fixup")
        with_override = (*as_user, *capability, "--no-new-privs")
        found += [Identity(prefix=prefix, user_id=user_id, group_id=group_id) for prefix in (plain, with_override)]
    if unshare := shutil.which("unshare"):
        prefix = (unshare, "--user", f"--map-user={user_id}")
        found.append(Identity(prefix=prefix, user_id=0, group_id=0))
    return found


def _user(owner_id: int | None) -> tuple[int, int]:
    """Return the user id and group id: the owner of existing data, or the first preferred user that exists here.

    The user must have a name, because initdb looks it up.
    """
    if owner_id:
        with contextlib.suppress(KeyError):
            return owner_id, pwd.getpwuid(owner_id).pw_gid
    for name in PREFERRED_USERS:
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            return user.pw_uid, user.pw_gid
    return UNKNOWN_USER_ID, UNKNOWN_USER_ID


def _succeeds(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=TRIAL_SECONDS, cwd="/").returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def change_owner(directory: Path, identity: Identity) -> None:
    """Make `identity` the owner of `directory` and everything in it. Does nothing when it is the owner already."""
    status = directory.stat()
    if (status.st_uid, status.st_gid) == (identity.user_id, identity.group_id) or os.geteuid() != 0:
        return
    for folder, _, files in os.walk(directory, topdown=False):
        for path in (*(os.path.join(folder, file) for file in files), folder):
            os.chown(path, identity.user_id, identity.group_id, follow_symlinks=False)
