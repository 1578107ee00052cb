"""The extractor that needs no model: it reads what people say of themselves, sentence by sentence."""

from __future__ import annotations

from collections.abc import Sequence

from afterturn.extraction.answer import Answer, Candidate, Quote
from afterturn.extraction.extractor import ExtractionRequest, RawAnswer
from afterturn.extraction.offline import corrections, episodes, selection, sentences, speech, statements, topics
from afterturn.extraction.offline.speech import Utterance
from afterturn.extraction.offline.statements import Statement


class OfflineExtractor:
    """Finds facts by rules. The same batch always gives the same answer."""

    prompt_version = "rules-1"
    model = "offline"

    def extract(self, request: ExtractionRequest) -> RawAnswer:
        """Return the facts and the episode of one batch, as JSON of `Answer`. Never raises for what a turn holds."""
        said = list(speech.utterances(request))
        facts = tuple(_candidate(statement) for statement in selection.worth_keeping(_statements(said)))
        answer = Answer(facts=facts, episode=episodes.draft(facts, said))
        return RawAnswer(text=answer.model_dump_json(), prompt_version=self.prompt_version, model=self.model)


def _statements(said: Sequence[Utterance]) -> list[Statement]:
    stated: list[Statement] = []
    for utterance in said:
        before = ""
        for start, end in sentences.spans(utterance.text):
            sentence = utterance.text[start:end]
            correction = corrections.find(sentence)
            if correction:
                corrections.apply(correction, stated, sentence, utterance)
            else:
                stated.extend(statements.read(sentence, before, utterance))
            before = sentence
    return stated


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
        evidence=tuple(Quote(turn=turn, quote=quote) for turn, quote in statement.quotes),
    )
