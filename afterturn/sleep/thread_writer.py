"""The writer of threads: an LLM that says how several matters developed, each step with the facts that it rests on."""

from __future__ import annotations

from afterturn.llm.prompted_model import PromptedModel
from afterturn.sleep import thread_answer
from afterturn.sleep.thread_answer import ThreadsAnswer

#: The name of the file with the instructions. It is part of the key of a stored answer. A changed prompt gets a new
#: version; threads that are written stay until their facts change.
PROMPT_VERSION = "threads-1"

#: Enough for eight threads of eight short steps. Too small: answers are truncated.
MAX_ANSWER_TOKENS = 2_400


class ThreadWriter(PromptedModel):
    """Ask an LLM how matters developed."""

    package = "afterturn.sleep"
    prompt_version = PROMPT_VERSION
    schema = ThreadsAnswer
    max_answer_tokens = MAX_ANSWER_TOKENS

    def check_answer(self, text: str) -> int:
        """Return 0. Raises AnswerMalformed for an answer without threads."""
        thread_answer.find_threads(text)
        return 0
