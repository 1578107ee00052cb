"""Agno: a memory manager whose memories are the user's facts, and session summaries that workers make.

    memories = AfterturnMemoryManager()
    agent = Agent(model=..., memory_manager=memories, update_memory_on_run=True)

Agno's own manager asks a model after each run, while the user waits. This one writes what was said, in one round trip;
the workers learn from it. With a summary manager, Agno's sessions become sessions of the memory, answers included:

    agent = Agent(..., session_summary_manager=AfterturnSummaryManager(memories), enable_session_summaries=True)
"""

from afterturn import extras

extras.require("agno", "the adapter for Agno")

from api_shim.adapters.agno.memory_manager import AfterturnMemoryManager  # noqa: E402
from api_shim.adapters.agno.summary_manager import AfterturnSummaryManager  # noqa: E402

__all__ = ["AfterturnMemoryManager", "AfterturnSummaryManager"]
