"""The command lines of the processes that `afterturn up` starts. Each process runs one afterturn command."""

from __future__ import annotations

from afterturn.local.services import Commands

_AFTERTURN = ("-m", "api_shim.cli.main")

#: Process -> its arguments after the Python interpreter. Everything else is passed as settings in the environment,
#: especially secrets, because every user of a machine can read command lines.
COMMANDS: Commands = {
    "fast worker": (*_AFTERTURN, "worker", "fast", "--node", "{node}"),
    "slow worker": (*_AFTERTURN, "worker", "slow", "--node", "{node}"),
    "api": (*_AFTERTURN, "api", "--port", "{port}"),
    "flower": (*_AFTERTURN, "flower", "--port", "{port}"),
    "beat": (*_AFTERTURN, "beat", "--schedule", "{schedule}"),
}
