"""Running a program as another user when we are root: PostgreSQL refuses to run as root.

Everything that it needs (its own files, the data directory) may lie below folders that only root can enter, such as
root's home. So the ways are tried from the least power to the most, and the first that works is taken:

1. as the other user, with nothing more;
2. as the other user, who may pass by file permissions (CAP_DAC_OVERRIDE) but has no other power of root's;
3. as root of no consequence: in a user namespace, in which root is called by another number.
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
#: The number that Linux gives to users whom it cannot name.
UNNAMED_USER = 65_534


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whom a program runs as."""

    #: Put before the program's arguments.
    prefix: tuple[str, ...]
    #: Who must own its data directory, as we see it from outside.
    user_id: int
    group_id: int


def identity_for(trial: list[str], *, owner_id: int | None = None) -> Identity:
    """Return whom to run as. Nobody else when we are not root.

    `trial` is a command that touches what the program will need; its exit code 0 says that the identity fits.
    `owner_id` is the owner of existing data, who stays their owner. Raises LocalServerError when nothing works.
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
        # Without no_setuid_fixup, access(2), by which PostgreSQL finds its own files, would still say no.
        power = ("--inh-caps=-all,+dac_override", "--ambient-caps=+dac_override", "--securebits=+no_setuid_fixup")
        passing = (*as_user, *power, "--no-new-privs")
        found += [Identity(prefix=prefix, user_id=user_id, group_id=group_id) for prefix in (plain, passing)]
    if unshare := shutil.which("unshare"):
        prefix = (unshare, "--user", f"--map-user={user_id}")
        found.append(Identity(prefix=prefix, user_id=0, group_id=0))
    return found


def _user(owner_id: int | None) -> tuple[int, int]:
    """Return the user and group: of the existing data, else of the first preferred user that this machine has.

    It must have a name: initdb asks for it.
    """
    if owner_id:
        with contextlib.suppress(KeyError):
            return owner_id, pwd.getpwuid(owner_id).pw_gid
    for name in PREFERRED_USERS:
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            return user.pw_uid, user.pw_gid
    return UNNAMED_USER, UNNAMED_USER


def _succeeds(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=TRIAL_SECONDS, cwd="/").returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def give(directory: Path, identity: Identity) -> None:
    """Make `identity` the owner of `directory` and all that is in it. Nothing is done when it is already."""
    found = directory.stat()
    if (found.st_uid, found.st_gid) == (identity.user_id, identity.group_id) or os.geteuid() != 0:
        return
    for folder, _, files in os.walk(directory, topdown=False):
        for path in (*(os.path.join(folder, file) for file in files), folder):
            os.chown(path, identity.user_id, identity.group_id, follow_symlinks=False)
