"""An OpenAI-compatible server for tests and benches, with real HTTP, deterministic answers and injected faults.

In a thread::

    with LLMServer() as server:
        server.fail("status", status=429, retry_after="2", on="extract", count=3)
        ...  # use server.base_url
        assert len(server.calls("extract")) == 4

As a process: `python -m harness.llm_server --latency 0.2` prints `{"base_url": …}` and serves until it is terminated or
its standard input ends; `LLMServerProcess` does that, and gives an `LLMServerControl` with the same methods.
"""

from harness.llm_server.control import LLMServerControl
from harness.llm_server.faults import Fault
from harness.llm_server.process import LLMServerProcess
from harness.llm_server.recording import RecordedRequest
from harness.llm_server.replay import GoldFact, Replay
from harness.llm_server.server import LLMServer

__all__ = ["Fault", "GoldFact", "LLMServer", "LLMServerControl", "LLMServerProcess", "RecordedRequest", "Replay"]
