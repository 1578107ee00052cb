"""The judge: an LLM that says which relations new statements have to known ones."""

from __future__ import annotations

from afterturn.consolidation import judgement
from afterturn.consolidation.judgement import Judgement
from afterturn.llm.prompted_model import PromptedModel

#: The name of the file with the instructions. It is stored with each answer. A changed prompt gets a new version.
PROMPT_VERSION = "judge-2"
#: Versions of releases before. Their stored answers are still used.
EARLIER_PROMPT_VERSIONS = ("judge-1",)

#: Enough for a verdict on every candidate of a batch with many. Too small: answers are truncated.
MAX_ANSWER_TOKENS = 1_500


class Judge(PromptedModel):
    """Ask an LLM about the pairs that rules cannot decide."""

    package = "afterturn.consolidation"
    prompt_version = PROMPT_VERSION
    schema = Judgement
    max_answer_tokens = MAX_ANSWER_TOKENS

    def check_answer(self, text: str) -> int:
        """Return how many pairs of an answer cannot be read: they stay undecided. Raises AnswerMalformed."""
        return judgement.parse_judgement(text).unreadable
