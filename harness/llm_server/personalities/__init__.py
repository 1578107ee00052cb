"""Kinds of endpoints: their refusals, and the forms of their answers. docs/how-to/endpoints.md lists them."""

from harness.llm_server.personalities.gateways import GATEWAYS
from harness.llm_server.personalities.hosted import HOSTED
from harness.llm_server.personalities.local import LOCAL

PERSONALITIES = (*HOSTED, *LOCAL, *GATEWAYS)

__all__ = ["GATEWAYS", "HOSTED", "LOCAL", "PERSONALITIES"]
