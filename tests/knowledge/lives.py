"""Lives of statements: plans that pass, states that change back, attitudes, and what fades."""

from __future__ import annotations

from tests.knowledge.case import (
    AnsweredFact,
    BatchStep,
    Case,
    CorrectFact,
    DeleteFact,
    PinFact,
    RemoveTurn,
    UnpinFact,
    add_fact,
    assistant,
    batch,
    fact,
    model,
    user,
)

ROME = "Ana plans to fly to Rome on 3 May 2023."
WENT = "Ana flew to Rome on 3 May 2023."
SOME_DAY = "Ana wants to visit Rome some day."
COLD = "Ana has a cold."
FLAT = "Ana is looking for a flat."
STUDIO = "Ana is starting a studio."
NIGHTS = "Ana works nights in May 2023."
LISBON = "Ana lives in Lisbon."
MOVED = "Ana moved to Lisbon on 2 May 2023."


def _say(when: str, text: str, *answered: AnsweredFact) -> BatchStep:
    return batch(user(when, text), model(*answered))


def _time_passes(when: str) -> BatchStep:
    """Ana says something that is no fact: the time of her newest turn is later."""
    return _say(when, f"It is {when}, and I am still here.")


_rome = _say("2023-04-01", "I fly to Rome on 3 May.", fact(ROME, life="plan", category="plan", since="2023-05-03"))
_went = _say("2023-05-10", "Rome was great.", fact(WENT, life="event", category="event", since="2023-05-03"))
_cold = _say("2023-04-01", "I have a cold.", fact(COLD, life="state", category="health"))
_lisbon = _say("2023-04-01", "I live in Lisbon.", fact(LISBON, life="lasting", lives_in="Lisbon"))


def _state(when: str, value: str) -> BatchStep:
    text = f"Ana's job search is {value}."
    return _say(when, f"{text} ({when})", fact(text, life="state", job_search=value))


def _attitude(when: str, attribute: str, value: str, text: str) -> BatchStep:
    return _say(when, f"{text} ({when})", fact(text, life="attitude", **{attribute: value}))


PLANS = [
    Case(
        "before its day a plan reads as it was said",
        [_rome, _time_passes("2023-05-03")],
        current=[ROME],
        lives={ROME: "plan"},
        fades={ROME: "2023-10-31T00:00+00:00"},
        reads={ROME: ROME},
    ),
    Case(
        "after its day a plan reads as planned with unknown outcome",
        [_rome, _time_passes("2023-05-20")],
        current=[ROME],
        reads={ROME: f"{ROME} (planned for 3 May 2023; outcome unknown)"},
        true_on={"2023-03-31": [], "2023-04-02": [ROME], "2023-10-30": [ROME], "2023-11-01": []},
    ),
    Case(
        "half a year after its day a plan has faded",
        [_rome, _time_passes("2023-11-01")],
        current=[],
        faded=[ROME],
        true_on={"2023-10-30": [ROME], "2023-11-01": []},
        believed_after={1: [ROME], 2: []},
    ),
    Case(
        "the outcome of a plan closes it",
        [_rome, _went, _time_passes("2023-09-01")],
        current=[WENT],
        ended=[(ROME, "judged")],
        replaces=[(ROME, WENT)],
        history={WENT: [ROME, WENT]},
        reads={WENT: f"{WENT} (formerly: {ROME})"},
        true_on={"2023-04-02": [ROME], "2023-05-02": [ROME], "2023-05-04": [WENT]},
    ),
    Case(
        "a judge that calls plan and event the same means the outcome",
        [_rome, _went],
        current=[WENT],
        ended=[(ROME, "judged")],
        same=[(ROME, WENT)],
    ),
    Case(
        "a cancelled plan is closed from the day on which that was said",
        [
            _rome,
            _say("2023-04-20", "I cancelled Rome.", fact("Ana cancelled the flight to Rome.", life="event")),
        ],
        current=["Ana cancelled the flight to Rome."],
        ended=[(ROME, "judged")],
        replaces=[(ROME, "Ana cancelled the flight to Rome.")],
        true_on={"2023-04-19": [ROME], "2023-05-04": ["Ana cancelled the flight to Rome."]},
    ),
    Case(
        "a new day of a plan replaces the old one when it is said",
        [
            _rome,
            _say(
                "2023-04-20",
                "Rome is on 10 June now.",
                fact("Ana plans to fly to Rome on 10 June 2023.", life="plan", since="2023-06-10"),
            ),
        ],
        current=["Ana plans to fly to Rome on 10 June 2023."],
        ended=[(ROME, "judged")],
        replaces=[(ROME, "Ana plans to fly to Rome on 10 June 2023.")],
        true_on={"2023-04-19": [ROME], "2023-05-04": ["Ana plans to fly to Rome on 10 June 2023."]},
        fades={"Ana plans to fly to Rome on 10 June 2023.": "2023-12-08T00:00+00:00"},
    ),
    Case(
        "when the turn that closed a plan is removed the plan is open again",
        [_rome, _went, RemoveTurn("Rome was great.")],
        current=[ROME],
        ended=[(ROME, "judged"), (WENT, "removed")],
        replaces=[(ROME, WENT)],
        lives={ROME: "plan"},
        fades={ROME: "2023-10-31T00:00+00:00"},
        true_on={"2023-03-31": [], "2023-04-02": [ROME], "2023-10-30": [ROME], "2023-11-01": []},
        believed_after={1: [ROME], 2: [WENT], 3: [ROME]},
    ),
    Case(
        "an open plan comes back beside another plan of the same attribute",
        [
            _say(
                "2023-04-01",
                "I fly to Rome on 3 May.",
                fact(ROME, life="plan", since="2023-05-03", plans_to_visit="Rome"),
            ),
            _went,
            _say(
                "2023-05-11",
                "Next is Oslo.",
                fact("Ana plans to visit Oslo.", life="plan", plans_to_visit="Oslo"),
            ),
            RemoveTurn("Rome was great."),
        ],
        current=[ROME, "Ana plans to visit Oslo."],
        ended=[(ROME, "judged"), (WENT, "removed")],
        replaces=[(ROME, WENT)],
    ),
    Case(
        "a plan without a day is a plan for half a year",
        [
            _say("2023-01-01", "I want to see Rome some day.", fact(SOME_DAY, life="plan")),
            _time_passes("2023-06-29"),
        ],
        current=[SOME_DAY],
        fades={SOME_DAY: "2023-06-30"},
        reads={SOME_DAY: SOME_DAY},
    ),
    Case(
        "a plan without a day fades when nobody speaks of it",
        [
            _say("2023-01-01", "I want to see Rome some day.", fact(SOME_DAY, life="plan")),
            _time_passes("2023-07-01"),
        ],
        current=[],
        faded=[SOME_DAY],
    ),
    Case(
        "a span ends with its last day",
        [
            _say(
                "2023-04-01",
                "I am in Rome from 3 to 5 May.",
                fact(
                    "Ana plans to be in Rome from 3 to 5 May 2023.", life="plan", since="2023-05-03", until="2023-05-05"
                ),
            ),
            _time_passes("2023-05-07"),
        ],
        current=["Ana plans to be in Rome from 3 to 5 May 2023."],
        fades={"Ana plans to be in Rome from 3 to 5 May 2023.": "2023-11-02T00:00+00:00"},
        reads={
            "Ana plans to be in Rome from 3 to 5 May 2023.": "Ana plans to be in Rome from 3 to 5 May 2023. "
            "(planned for 3 May 2023 to 5 May 2023; outcome unknown)"
        },
    ),
    Case(
        "a plan for a month is open until the month is over",
        [
            _say("2023-04-01", "I move in May.", fact("Ana plans to move in May 2023.", life="plan", since="2023-05")),
            _time_passes("2023-05-30"),
        ],
        current=["Ana plans to move in May 2023."],
        reads={"Ana plans to move in May 2023.": "Ana plans to move in May 2023."},
    ),
    Case(
        "the beginning of a resolution is not the day of a plan",
        [
            _say(
                "2023-04-01",
                "I plan to stop smoking.",
                fact("Ana plans to stop smoking.", life="plan", since="2023-03-30"),
            ),
            _time_passes("2023-06-01"),
        ],
        current=["Ana plans to stop smoking."],
        reads={"Ana plans to stop smoking.": "Ana plans to stop smoking."},
    ),
]

STATES = [
    Case(
        "a state fades half a year after it was said",
        [_cold, _lisbon, _time_passes("2023-10-01")],
        current=[LISBON],
        faded=[COLD],
        fades={COLD: "2023-09-28", LISBON: None},
        true_on={"2023-09-27": [COLD, LISBON], "2023-10-01": [LISBON]},
        believed_after={2: [COLD, LISBON], 3: [LISBON]},
    ),
    Case(
        "a state that is said again stays",
        [_cold, _say("2023-05-20", "Still this cold.", fact(COLD, life="state")), _time_passes("2023-10-20")],
        current=[COLD],
        fades={COLD: "2023-11-16"},
        times_seen={COLD: 2},
    ),
    Case(
        "a state that has faded comes back when it is said again",
        [_cold, _time_passes("2023-10-01"), _say("2023-11-01", "A cold again.", fact(COLD, life="state"))],
        current=[COLD],
        fades={COLD: "2024-04-29"},
        times_seen={COLD: 2},
    ),
    Case(
        "a repetition that is removed renews nothing",
        [
            _cold,
            _say("2023-05-20", "Still this cold.", fact(COLD, life="state")),
            _time_passes("2023-10-20"),
            RemoveTurn("Still this cold."),
        ],
        current=[],
        faded=[COLD],
        fades={COLD: "2023-09-28"},
    ),
    Case(
        "an old repetition that is imported later does not shorten a state",
        [_cold, _say("2023-02-01", "I have a cold. Again.", fact(COLD, life="state"))],
        current=[COLD],
        fades={COLD: "2023-09-28"},
    ),
    Case(
        "a state ends when it says so",
        [
            _say("2023-05-02", "I work nights this month.", fact(NIGHTS, life="state", until="2023-05")),
            _time_passes("2023-06-01"),
        ],
        current=[],
        faded=[NIGHTS],
        fades={NIGHTS: "2023-06-01T00:00+00:00"},
    ),
    Case(
        "a state that says that it lasts a year lasts a year",
        [
            _say(
                "2023-05-02",
                "I am in Oslo until May 2024.",
                fact("Ana stays in Oslo.", life="state", until="2024-05-01"),
            ),
            _time_passes("2024-04-01"),
        ],
        current=["Ana stays in Oslo."],
    ),
    Case(
        "the next state of a matter replaces the one before, and changes back",
        [_state("2023-01-01", "open"), _state("2023-02-01", "paused"), _state("2023-03-01", "open")],
        current=["Ana's job search is open."],
        ended=[("Ana's job search is open.", "newer_value"), ("Ana's job search is paused.", "newer_value")],
        true_on={
            "2023-01-15": ["Ana's job search is open."],
            "2023-02-15": ["Ana's job search is paused."],
            "2023-03-15": ["Ana's job search is open."],
        },
    ),
    Case(
        "a state that was said earlier and is imported later is former at once",
        [_state("2023-03-01", "over"), _state("2023-01-01", "open")],
        current=["Ana's job search is over."],
        ended=[("Ana's job search is open.", "newer_value")],
    ),
    Case(
        "when the newer state is removed the older one is current again",
        [
            _state("2023-01-01", "open"),
            _state("2023-02-01", "paused"),
            RemoveTurn("Ana's job search is paused. (2023-02-01)"),
        ],
        current=["Ana's job search is open."],
        ended=[("Ana's job search is open.", "newer_value"), ("Ana's job search is paused.", "removed")],
        fades={"Ana's job search is open.": "2023-06-30"},
        true_on={"2023-01-15": ["Ana's job search is open."], "2023-02-15": ["Ana's job search is open."]},
        lives={"Ana's job search is open.": "state"},
    ),
    Case(
        "states with different objects stay side by side",
        [
            _say("2023-01-01", "I look for a flat.", fact(FLAT, life="state", looking_for="a flat")),
            _say("2023-01-02", "And for a job.", fact("Ana is looking for a job.", life="state", looking_for="a job")),
        ],
        current=[FLAT, "Ana is looking for a job."],
    ),
    Case(
        "the state of another person stays",
        [
            _say("2023-01-01", "I am very happy these days.", fact("Ana is happy.", life="state", mood="happy")),
            _say("2023-01-02", "Ben is sad.", fact("Ben is sad.", about="Ben", life="state", mood="sad")),
        ],
        current=["Ana is happy.", "Ben is sad."],
    ),
    Case(
        "what is found ends the search",
        [
            _say("2023-04-01", "I look for a flat.", fact(FLAT, life="state", looking_for="a flat")),
            _say("2023-05-02", "I moved!", fact(MOVED, life="event", since="2023-05-02")),
        ],
        current=[MOVED],
        ended=[(FLAT, "judged")],
        replaces=[(FLAT, MOVED)],
    ),
]

ATTITUDES = [
    Case(
        "the newest attitude to a matter replaces the older one",
        [
            _attitude("2023-01-01", "opinion_on_boss", "difficult", "Ana finds the new boss difficult."),
            _attitude("2023-03-01", "opinion_on_boss", "fair", "Ana finds the new boss fair."),
        ],
        current=["Ana finds the new boss fair."],
        ended=[("Ana finds the new boss difficult.", "newer_value")],
        fades={"Ana finds the new boss fair.": None},
    ),
    Case(
        "an attitude that was said later stays when an older one is imported",
        [
            _attitude("2023-03-01", "opinion_on_boss", "fair", "Ana finds the new boss fair."),
            _attitude("2023-01-01", "opinion_on_boss", "difficult", "Ana finds the new boss difficult."),
        ],
        current=["Ana finds the new boss fair."],
        ended=[("Ana finds the new boss difficult.", "newer_value")],
    ),
    Case(
        "what is loved and then only liked is liked",
        [
            _attitude("2023-01-01", "loves", "hiking", "Ana loves hiking."),
            _attitude("2023-03-01", "likes", "hiking", "Ana likes hiking."),
        ],
        current=["Ana likes hiking."],
        ended=[("Ana loves hiking.", "newer_value")],
    ),
    Case(
        "attitudes to different matters stay side by side",
        [
            _attitude("2023-01-01", "loves", "hiking", "Ana loves hiking."),
            _attitude("2023-03-01", "loves", "sailing", "Ana loves sailing."),
            _attitude("2023-04-01", "opinion_on_boss", "fair", "Ana finds the new boss fair."),
            _attitude("2023-05-01", "opinion_on_office", "loud", "Ana finds the office loud."),
        ],
        current=[
            "Ana loves hiking.",
            "Ana loves sailing.",
            "Ana finds the new boss fair.",
            "Ana finds the office loud.",
        ],
    ),
    Case(
        "attitudes do not fade",
        [_attitude("2013-01-01", "loves", "hiking", "Ana loves hiking."), _time_passes("2023-01-01")],
        current=["Ana loves hiking."],
    ),
]

OTHERS = [
    Case(
        "events of long ago do not fade",
        [
            _say(
                "2013-01-01", "I ran a marathon in 2012.", fact("Ana ran a marathon.", life="event", since="2012-10-01")
            ),
            _time_passes("2023-01-01"),
        ],
        current=["Ana ran a marathon."],
        fades={"Ana ran a marathon.": None},
    ),
    Case(
        "an old conversation that is imported is as it was when it ended",
        [_rome, _cold, _say("2023-04-20", "I look for a flat.", fact(FLAT, life="state"))],
        current=[ROME, COLD, FLAT],
    ),
    Case(
        "in an old conversation what was over when it ended has faded",
        [_cold, _rome, _say("2023-11-30", "I look for a flat.", fact(FLAT, life="state"))],
        current=[FLAT],
        faded=[COLD, ROME],
    ),
    Case(
        "an old conversation that is imported beside a live one has faded where it is over",
        [_lisbon, _time_passes("2026-01-01"), _cold, _rome],
        current=[LISBON],
        faded=[COLD, ROME],
    ),
    Case(
        "when the newest turn is removed the time is that of the turn before",
        [_cold, _time_passes("2023-10-01"), RemoveTurn("It is 2023-10-01, and I am still here.")],
        current=[COLD],
    ),
    Case(
        "what the assistant says is time as well",
        [_cold, batch(assistant("2023-10-01", "Welcome back."), model())],
        current=[],
        faded=[COLD],
    ),
    Case(
        "what a person entered never fades",
        [
            _lisbon,
            add_fact("Ana is looking for a flat.", fields={"life": "state"}),
            add_fact("Ana sees the dentist.", fields={"life": "plan"}),
            _time_passes("2026-11-01"),
        ],
        current=[LISBON, "Ana is looking for a flat.", "Ana sees the dentist."],
        lives={"Ana is looking for a flat.": "state", "Ana sees the dentist.": "plan"},
        fades={"Ana is looking for a flat.": None, "Ana sees the dentist.": None},
    ),
    Case(
        "an edit of a person is no time: an old conversation does not fade by it",
        [_cold, add_fact("Ana likes tea."), PinFact("Ana likes tea.")],
        current=[COLD, "Ana likes tea."],
    ),
    Case(
        "what a person pinned does not fade",
        [_cold, PinFact(COLD), _time_passes("2023-10-01")],
        current=[COLD],
        fades={COLD: None},
    ),
    Case(
        "what a person unpinned fades",
        [_cold, PinFact(COLD), _time_passes("2023-10-01"), UnpinFact(COLD)],
        current=[],
        faded=[COLD],
    ),
    Case(
        "a person corrects what has faded, and it stays",
        [_cold, _time_passes("2023-10-01"), CorrectFact(COLD, "Ana has asthma.", {"life": "lasting"})],
        current=["Ana has asthma."],
        ended=[(COLD, "person")],
        lives={"Ana has asthma.": "lasting"},
    ),
    Case(
        "a person deletes what has faded",
        [_cold, _time_passes("2023-10-01"), DeleteFact(COLD)],
        current=[],
        ended=[(COLD, "deleted")],
    ),
    Case(
        "what an answer without lives says has the life of its other fields",
        [
            _say("2023-04-01", "I fly to Rome on 3 May.", fact(ROME, category="plan", since="2023-05-03")),
            _say(
                "2023-04-01", "I was in Oslo in 2020.", fact("Ana was in Oslo.", category="event", since="2020-05-01")
            ),
            _say("2023-04-01", "I love hiking.", fact("Ana loves hiking.", category="preference", loves="hiking")),
            _say("2023-04-01", "I live in Lisbon.", fact(LISBON, category="place", lives_in="Lisbon")),
            _say("2023-04-01", "I work nights until May.", fact(NIGHTS, category="work", until="2023-05")),
            _say("2023-04-01", "Who knows.", fact("Ana is tired.", life="for a while", mood="tired")),
        ],
        current=[ROME, "Ana was in Oslo.", "Ana loves hiking.", LISBON, NIGHTS, "Ana is tired."],
        lives={
            ROME: "plan",
            "Ana was in Oslo.": "event",
            "Ana loves hiking.": "attitude",
            LISBON: "lasting",
            NIGHTS: "state",
            "Ana is tired.": "state",
        },
    ),
]

CASES = [*PLANS, *STATES, *ATTITUDES, *OTHERS]
