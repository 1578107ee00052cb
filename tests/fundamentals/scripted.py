"""An extractor with given answers."""

import json

from afterturn.extraction.extractor import RawAnswer


class Scripted:
    """Returns its answers one after another, and counts its calls."""

    prompt_version = "test-1"
    earlier_versions = ()
    uses_known = False

    def __init__(self, *answers, model="scripted"):
        """An answer is a list of facts, a raw text, or an exception to raise."""
        self.answers = list(answers)
        self.calls = 0
        self.model = model

    def extract(self, request):
        self.calls += 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        text = answer if isinstance(answer, str) else json.dumps({"facts": answer, "episode": None})
        return RawAnswer(text=text, prompt_version=self.prompt_version, model=self.model)


def fact(text, turn=1, quote=None, **more):
    """Return a fact in the form of a model's answer. Without a quote, its evidence is the text itself."""
    return {"text": text, "evidence": [{"turn": turn, "quote": quote or text}], **more}
