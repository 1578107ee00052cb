"""The command lines of what `afterturn up` runs: commands of afterturn's, each in a process of its own."""

from __future__ import annotations

from afterturn.local.services import Commands

_AFTERTURN = ("-m", "api_shim.cli.main")

#: Each is what follows the Python interpreter. The rest of what a process needs to know is in its environment, as
#: settings; above all the secrets, because every user of a machine can read a command line.
COMMANDS: Commands = {
    "fast worker": (*_AFTERTURN, "worker", "fast", "--node", "{node}"),
    "slow worker": (*_AFTERTURN, "worker", "slow", "--node", "{node}"),
    "api": (*_AFTERTURN, "api", "--port", "{port}"),
    "flower": (*_AFTERTURN, "flower", "--port", "{port}"),
    "beat": (*_AFTERTURN, "beat", "--schedule", "{schedule}"),
}
