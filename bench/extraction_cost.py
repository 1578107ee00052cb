"""Count what extraction is shown of a conversation, without servers and without a model.

`python -m bench.extraction_cost --set beam|locomo --data FILE_OR_FOLDER [--json]`

The turns of each session are cut as the pipeline cuts a full backlog, with the default settings, and the prompt of each
batch is made. Tokens are estimated. Answers of the model, judging calls and summaries are not in these figures:
`bench.pipeline --data` has them. Two figures say what is lost by showing long answers in excerpts:

  evidence_words  of the words that a labelled answer shares with an assistant's turn that it rests on: how many are
                  shown of that turn
  taken_up_words  of the words that a user says for the first time just after an assistant said them: how many of them
                  are shown of that turn
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from afterturn import tokens
from afterturn.batches import cut
from afterturn.batches.cut import Limits, UncutTurn
from afterturn.chat_messages import ROLES_OF_PEOPLE
from afterturn.excerpts import words
from afterturn.extraction import prompted
from afterturn.extraction.extractor import CONTEXT_TURNS, ExtractionRequest
from afterturn.extraction.turn_lines import ShownTurns
from afterturn.settings import Settings
from afterturn.turns import Turn, make_turn
from bench import report
from bench.data import beam, locomo
from bench.data.conversation import NotTheData, SaidTurn
from bench.data.questions import Labelled, LabelledQuestion
from bench.report import Line, Value

SETS = {"beam": beam.load, "locomo": locomo.load_questions}

LINES = (
    Line(name="turns", meaning="turns of all conversations"),
    Line(name="tokens_said", meaning="their tokens"),
    Line(name="llm_calls_per_100_turns", meaning="extraction calls"),
    Line(name="prompt_tokens_per_token_said", meaning="prompt tokens of these calls, instructions included"),
    Line(name="prompt_tokens_per_100_turns", meaning="the same, per 100 turns"),
    Line(name="tokens_per_answer", meaning="tokens of an assistant's turn"),
    Line(name="shown_tokens_per_answer", meaning="those that extraction is shown"),
    Line(name="shown_share_of_people", meaning="share of the tokens of people's turns that extraction is shown"),
    Line(name="evidence_words", meaning="share of the words of answers that are shown of the assistants' turns"),
    Line(name="taken_up_words", meaning="share of the words that users take up that are shown of the turn before"),
    Line(name="cpu_ms_per_turn", meaning="processor time of making the prompts, per turn"),
)


def main() -> None:
    report.run("What extraction is shown", LINES, measured, _arguments())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.extraction_cost",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--set", choices=SETS, required=True, help="the form of the data")
    parser.add_argument("--data", type=Path, required=True, help="a file of this form, or a folder of such files")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    return parser.parse_args()


def measured(arguments: argparse.Namespace) -> dict[str, Value]:
    """Return the figures of all conversations of a set."""
    try:
        labelled = SETS[arguments.set](arguments.data)
    except NotTheData as error:
        raise SystemExit(str(error)) from None
    return figures(labelled)


def figures(labelled: Sequence[Labelled]) -> dict[str, Value]:
    """Return the figures of these conversations; None for those that no turn counts for."""
    counts: Counter[str] = Counter()
    for one in labelled:
        for session in one.conversation.sessions:
            turns = [_turn(said) for said in session.turns]
            counts += _cost(turns) + _shown(turns) + _kept_words(turns, one.questions)
    hundreds = counts["turns"] / 100
    return {
        "turns": counts["turns"],
        "tokens_said": counts["said"],
        "llm_calls_per_100_turns": counts["calls"] / hundreds,
        "prompt_tokens_per_token_said": counts["prompt"] / counts["said"],
        "prompt_tokens_per_100_turns": counts["prompt"] / hundreds,
        "tokens_per_answer": _ratio(counts["said of answers"], counts["answers"]),
        "shown_tokens_per_answer": _ratio(counts["shown of answers"], counts["answers"]),
        "shown_share_of_people": _ratio(counts["shown of people"], counts["said of people"]),
        "evidence_words": _ratio(counts["evidence shown"], counts["evidence"]),
        "taken_up_words": _ratio(counts["taken up shown"], counts["taken up"]),
        "cpu_ms_per_turn": counts["nanoseconds"] / counts["turns"] / 1e6,
    }


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _turn(said: SaidTurn) -> Turn:
    return make_turn(
        said.role, said.content, limit_bytes=1 << 30, turn_id=said.turn_id, name=said.name, occurred_at=said.at
    )


def _cost(turns: Sequence[Turn]) -> Counter[str]:
    """Return what the extraction of one session costs."""
    began = time.process_time_ns()
    prompts = [prompted.format_request(request) for request in _requests(turns)]
    return Counter(
        nanoseconds=time.process_time_ns() - began,
        turns=len(turns),
        calls=len(prompts),
        prompt=sum(tokens.estimate(prompted.instructions()) + tokens.estimate(text) for text in prompts),
    )


def _requests(turns: Sequence[Turn]) -> Iterator[ExtractionRequest]:
    """Yield the requests of the batches of a session."""
    settings = Settings.model_construct()
    uncut = [
        UncutTurn(place, cut.shown_tokens(turn.role, tokens.estimate(turn.content))) for place, turn in enumerate(turns)
    ]
    for piece in cut.plan_cuts(uncut, Limits(turns=settings.batch_turns, tokens=settings.batch_tokens)):
        first = piece.first_position
        context = turns[max(0, first - CONTEXT_TURNS) : first]
        yield ExtractionRequest(turns=turns[first : piece.last_position + 1], context=context)


def _shown(turns: Sequence[Turn]) -> Counter[str]:
    """Return the tokens of the turns, and those that extraction is shown, of answers and of people."""
    counts: Counter[str] = Counter()
    shown = ShownTurns(turns)
    for place, turn in enumerate(turns):
        said, who = tokens.estimate(turn.content), "people" if turn.role in ROLES_OF_PEOPLE else "answers"
        counts += Counter({"said": said, f"said of {who}": said, who: 1})
        counts[f"shown of {who}"] += tokens.estimate(shown.of_batch(place))
    return counts


def _kept_words(turns: Sequence[Turn], questions: Sequence[LabelledQuestion]) -> Counter[str]:
    """Return how many words of evidence, and how many that the user takes up, are shown of the answers of a session."""
    counts: Counter[str] = Counter()
    shown, said_before = ShownTurns(turns), frozenset[str]()
    for place, turn in enumerate(turns):
        if turn.role in ROLES_OF_PEOPLE:
            said_before |= _keys(turn.content)
            continue
        keys, kept = _keys(turn.content), _keys(shown.of_batch(place))
        for wanted in (_keys(one.answer) & keys for one in questions if turn.turn_id in one.evidence):
            counts["evidence"] += len(wanted)
            counts["evidence shown"] += len(wanted & kept)
        reply = turns[place + 1] if place + 1 < len(turns) else None
        if reply is not None and reply.role in ROLES_OF_PEOPLE:
            taken_up = (_keys(reply.content) - said_before) & keys
            counts["taken up"] += len(taken_up)
            counts["taken up shown"] += len(taken_up & kept)
    return counts


def _keys(text: str) -> frozenset[str]:
    return words.find_keys(text, words.find_language(text))


if __name__ == "__main__":
    main()
