"""The API key that `afterturn up` shows for programs of this machine, in a file that only its owner can read.

Clients of OpenAI's API insist on a key. This one also works when the API requires one, which it does once somebody has
made another key, or when other machines can reach it.
"""

from __future__ import annotations

from pathlib import Path

from afterturn.access import key_text, keys
from afterturn.database.pool import worker_connection
from afterturn.local import passwords
from afterturn.principal import EveryUser, Principal, Right
from afterturn.settings import Settings

#: The name of the file in the data directory.
FILE = "api-key"
_RIGHTS: frozenset[Right] = frozenset({Right.READ, Right.WRITE})


def ensure_machine_key(settings: Settings, data_dir: Path) -> str:
    """Return the key of this data directory: it may read and write for every user of the tenant in the settings.

    A new one is made if there is none, and if the old one was revoked or is of another database. Raises
    MemoryUnavailable if Postgres does not answer.
    """
    path = data_dir / FILE
    with worker_connection(settings) as connection:
        if path.exists():
            text = path.read_text().strip()
            if key_text.is_key(text) and keys.is_good(connection, text):
                return text
        principal = Principal(tenant_id=settings.tenant, users=EveryUser(), rights=_RIGHTS)
        text = keys.create_for_machine(connection, principal).text
    passwords.write_private(path, f"{text}\n")
    return text
