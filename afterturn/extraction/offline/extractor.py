"""The extractor without a model: it parses what people say about themselves, sentence by sentence.

Its rules are English. What is said in another language becomes facts as it was said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from afterturn.candidate import Candidate, Quote
from afterturn.extraction.answer import Answer
from afterturn.extraction.extractor import ExtractionRequest, RawAnswer
from afterturn.extraction.offline import (
    assertions,
    episode_draft,
    other_languages,
    selection,
    sentences,
    speech,
    spoken_corrections,
    topics,
)
from afterturn.extraction.offline.assertions import Assertion
from afterturn.extraction.offline.speech import Utterance


class OfflineExtractor:
    """Extracts facts by rules. The same batch always gives the same answer."""

    prompt_version = "rules-3"
    earlier_versions: Sequence[str] = ()
    uses_known = False
    model = "offline"

    def expected_tokens(self, request: ExtractionRequest) -> int:
        """Return 0: no call is made."""
        return 0

    def extract(self, request: ExtractionRequest) -> RawAnswer:
        """Return facts and episode of one batch as JSON of `Answer`. No content of a turn causes an error."""
        utterances = list(speech.find_utterances(request))
        informative = selection.select_informative(_batch_assertions(utterances))
        facts = tuple(_candidate(assertion) for assertion in informative)
        batch_utterances = [utterance for utterance in utterances if utterance.turn > 0]
        answer = Answer(facts=facts, episode=episode_draft.draft_episode(facts, batch_utterances))
        return RawAnswer(text=answer.model_dump_json(), prompt_version=self.prompt_version, model=self.model)


def _batch_assertions(utterances: Sequence[Utterance]) -> list[Assertion]:
    """Return what the utterances assert, with corrections applied, as far as it was said in the batch."""
    asserted: list[Assertion] = []
    for utterance in utterances:
        if not other_languages.is_english(utterance.text):
            asserted += other_languages.find_statements(utterance)
            continue
        before = ""
        for start, end in sentences.sentence_spans(utterance.text):
            sentence = utterance.text[start:end]
            if not _apply_correction(sentence, asserted, utterance):
                for assertion in assertions.find_assertions(sentence, before, utterance):
                    asserted.append(spoken_corrections.replace_earlier(asserted, assertion, sentence))
            before = sentence
    return [assertion for assertion in map(_without_context_quotes, asserted) if assertion.quotes]


def _apply_correction(sentence: str, asserted: list[Assertion], utterance: Utterance) -> bool:
    """Apply the correction in a sentence. Return whether the sentence is nothing else than a correction."""
    correction = spoken_corrections.find_correction(sentence)
    if correction is None:
        return False
    is_applied = spoken_corrections.apply_correction(correction, asserted, sentence, utterance)
    return is_applied or correction.is_only_correction


def _without_context_quotes(assertion: Assertion) -> Assertion:
    """Remove the quotes from the context. An assertion of the context may be corrected, but is no evidence."""
    return replace(assertion, quotes=tuple((turn, quote) for turn, quote in assertion.quotes if turn > 0))


def _candidate(assertion: Assertion) -> Candidate:
    return Candidate(
        text=assertion.text,
        category=assertion.about.category,
        topics=topics.pick_topics(assertion.text, (assertion.speaker,)),
        subject=assertion.about.subject,
        attribute=assertion.about.attribute,
        value=assertion.about.value,
        importance=assertion.about.importance,
        valid_from=assertion.valid_from,
        valid_to=assertion.valid_to,
        life=None,
        corrects=assertion.corrects,
        evidence=tuple(Quote(turn=turn, quote=quote) for turn, quote in assertion.quotes),
    )
