"""The extractor that needs no model: it reads what people say of themselves, sentence by sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from afterturn.candidate import Candidate, Quote
from afterturn.extraction.answer import Answer
from afterturn.extraction.extractor import ExtractionRequest, RawAnswer
from afterturn.extraction.offline import corrections, episodes, selection, sentences, speech, statements, topics
from afterturn.extraction.offline.speech import Utterance
from afterturn.extraction.offline.statements import Statement


class OfflineExtractor:
    """Finds facts by rules. The same batch always gives the same answer."""

    prompt_version = "rules-2"
    model = "offline"

    def expected_tokens(self, request: ExtractionRequest) -> int:
        """Return 0: no call is made."""
        return 0

    def extract(self, request: ExtractionRequest) -> RawAnswer:
        """Return the facts and the episode of one batch, as JSON of `Answer`. Never raises for what a turn holds."""
        said = list(speech.utterances(request))
        facts = tuple(_candidate(statement) for statement in selection.worth_keeping(_statements(said)))
        of_batch = [utterance for utterance in said if utterance.turn > 0]
        answer = Answer(facts=facts, episode=episodes.draft(facts, of_batch))
        return RawAnswer(text=answer.model_dump_json(), prompt_version=self.prompt_version, model=self.model)


def _statements(said: Sequence[Utterance]) -> list[Statement]:
    stated: list[Statement] = []
    for utterance in said:
        before = ""
        for start, end in sentences.spans(utterance.text):
            sentence = utterance.text[start:end]
            correction = corrections.find(sentence)
            is_done = correction is not None and (
                corrections.apply(correction, stated, sentence, utterance) or correction.is_only_correction
            )
            if not is_done:
                for new in statements.read(sentence, before, utterance):
                    stated.append(corrections.instead(stated, new, sentence))
            before = sentence
    return [statement for statement in map(_of_batch, stated) if statement.quotes]


def _of_batch(statement: Statement) -> Statement:
    """Leave out what was said in the context: it may be corrected, but nothing may rest on it."""
    return replace(statement, quotes=tuple((turn, quote) for turn, quote in statement.quotes if turn > 0))


def _candidate(statement: Statement) -> Candidate:
    return Candidate(
        text=statement.text,
        category=statement.about.category,
        topics=topics.pick(statement.text, (statement.speaker,)),
        subject=statement.about.subject,
        attribute=statement.about.attribute,
        value=statement.about.value,
        importance=statement.about.importance,
        valid_from=statement.valid_from,
        valid_to=statement.valid_to,
        corrects=statement.corrects,
        evidence=tuple(Quote(turn=turn, quote=quote) for turn, quote in statement.quotes),
    )
