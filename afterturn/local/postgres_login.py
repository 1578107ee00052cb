"""The login of the parts of `afterturn up`: workers, API, agents. It is no superuser and owns no table.

`RESET ROLE` on one of its connections leaves it without any right to a table, so that row-level security holds.
"""

from __future__ import annotations

import psycopg
from psycopg.sql import SQL, Identifier, Literal

LOGIN = "afterturn_login"

#: From these versions on, a membership can be one that is only taken with SET ROLE; and a role may vacuum any table.
_SET_OPTION_VERSION = 160_000
_MAINTAIN_VERSION = 170_000


def ensure_login(owner_url: str, password: str) -> None:
    """Create the login, or give it this password. The roles of connections must exist.

    Args:
        owner_url: the database, as its superuser.
        password: the password of the login.
    """
    login = Identifier(LOGIN)
    with psycopg.connect(owner_url) as connection:
        if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [LOGIN]).fetchall():
            connection.execute(SQL("CREATE ROLE {} LOGIN").format(login))
        connection.execute(SQL("ALTER ROLE {} PASSWORD {}").format(login, Literal(password)))
        taken = "WITH SET TRUE, INHERIT FALSE" if connection.info.server_version >= _SET_OPTION_VERSION else ""
        connection.execute(SQL("GRANT afterturn_app, afterturn_worker TO {} {}").format(login, SQL(taken)))
        # What `afterturn scrub` does: remove dead rows, and drop old segments of the write-ahead log.
        connection.execute(SQL("GRANT pg_checkpoint TO {}").format(login))
        connection.execute(SQL("GRANT EXECUTE ON FUNCTION pg_switch_wal() TO {}").format(login))
        if connection.info.server_version >= _MAINTAIN_VERSION:
            connection.execute(SQL("GRANT pg_maintain TO {}").format(login))
