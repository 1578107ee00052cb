"""What comes again: plans that are moved, states and attitudes that return, new days and ends, late arrivals."""

from __future__ import annotations

from collections.abc import Sequence

from tests.knowledge.case import AnsweredFact, BatchStep, Case, RemoveTurn, batch, fact, model, user


def _say(when: str, text: str, *answered: AnsweredFact, session: str = "chat") -> BatchStep:
    return batch(user(when, text), model(*answered), session=session)


def _time_passes(when: str) -> BatchStep:
    return _say(when, f"It is {when}, and I am still here.")


def _plan(day: str, text: str) -> AnsweredFact:
    return fact(text, life="plan", category="plan", since=day)


_MAY, _JUNE, _JULY = (f"Ana plans to fly to Rome on 3 {month} 2023." for month in ("May", "June", "July"))
_MOVED: Sequence[tuple[str, str]] = ((_MAY, _JUNE), (_JUNE, _JULY), (_MAY, _JULY))
_first = _say("2023-04-01", "I fly on 3 May.", _plan("2023-05-03", _MAY))
_second = _say("2023-04-10", "I fly on 3 June now.", _plan("2023-06-03", _JUNE))
_third = _say("2023-04-20", "I fly on 3 July now.", _plan("2023-07-03", _JULY))
_EARLY = "Ana flew to Rome on 28 April 2023."
_LAST_YEAR = "Ana flew to Rome in March 2023."
_went_last_year = fact(_LAST_YEAR, life="event", category="event", since="2023-03-01")
_COLD, _WELL = "Ana has a cold.", "Ana is well again."
_LIKES, _HATES = "Ana likes her boss.", "Ana cannot stand her boss."
_NEVER, _READS, _ALL = (
    "Ana has never read a book by Saramago.",
    "Ana is reading a book by Saramago.",
    "Ana has read every book by Saramago.",
)


def _opinion(when: str, text: str, value: str) -> BatchStep:
    return _say(when, f"{text} ({when})", fact(text, life="attitude", opinion_of_boss=value))


PLANS = [
    Case(
        "a plan that is moved twice has its last day",
        [_first, _second, _third],
        current=[_JULY],
        ended=[(_MAY, "judged"), (_JUNE, "judged")],
        replaces=_MOVED,
        history={_JULY: [_MAY, _JUNE, _JULY]},
        true_on={"2023-04-05": [_MAY], "2023-04-15": [_JUNE], "2023-05-04": [_JULY]},
    ),
    Case(
        "the second of three days that arrives last is former at once",
        [_first, _third, _say("2023-04-10", "I fly on 3 June now.", _plan("2023-06-03", _JUNE), session="old")],
        current=[_JULY],
        ended=[(_MAY, "judged"), (_JUNE, "judged")],
        replaces=_MOVED,
    ),
    Case(
        "a plan that is moved twice and whose last move is removed has its second day",
        [_first, _second, _third, RemoveTurn("I fly on 3 July now.")],
        current=[_JUNE],
        ended=[(_MAY, "judged"), (_JUNE, "judged"), (_JULY, "removed")],
        replaces=_MOVED,
    ),
    Case(
        "a plan that is done before its day is done",
        [
            _first,
            _say(
                "2023-04-29",
                "I flew earlier, yesterday.",
                fact(_EARLY, life="event", category="event", since="2023-04-28"),
            ),
            _time_passes("2023-05-20"),
        ],
        current=[_EARLY],
        ended=[(_MAY, "judged")],
        same=[(_EARLY, _MAY)],
        true_on={"2023-04-20": [_MAY], "2023-05-04": [_EARLY]},
    ),
    Case(
        "a plan does not end what happened before it, whatever the judge calls the same",
        [_say("2023-03-20", "I was in Rome.", _went_last_year), _first],
        current=[_LAST_YEAR, _MAY],
        same=[(_LAST_YEAR, _MAY)],
    ),
    Case(
        "what happened before a plan does not end it when it arrives later",
        [_first, _say("2023-03-20", "I was in Rome.", _went_last_year, session="old")],
        current=[_LAST_YEAR, _MAY],
        same=[(_LAST_YEAR, _MAY)],
    ),
    Case(
        "the same words for another day are a moved plan",
        [
            _say("2023-04-01", "I fly on 3 May.", _plan("2023-05-03", "Ana plans to fly to Rome.")),
            _say("2023-04-10", "I fly on 3 July now.", _plan("2023-07-03", "Ana plans to fly to Rome.")),
            _time_passes("2023-06-20"),
        ],
        current=["Ana plans to fly to Rome."],
        fades={"Ana plans to fly to Rome.": "2023-12-31T00:00+00:00"},
        reads={"Ana plans to fly to Rome.": "Ana plans to fly to Rome. (2023-07-03)"},
        ended=[("Ana plans to fly to Rome.", "newer_value")],
    ),
    Case(
        "the same words with an earlier day that arrive later move no plan",
        [
            _say("2023-04-10", "I fly on 3 July now.", _plan("2023-07-03", "Ana plans to fly to Rome.")),
            _say("2023-04-01", "I fly on 3 May.", _plan("2023-05-03", "Ana plans to fly to Rome."), session="old"),
        ],
        current=["Ana plans to fly to Rome."],
        fades={"Ana plans to fly to Rome.": "2023-12-31T00:00+00:00"},
        ended=[("Ana plans to fly to Rome.", "newer_value")],
    ),
    Case(
        "a plan that is said again without its day keeps it",
        [_first, _say("2023-04-10", "I still fly.", fact(_MAY, life="plan", category="plan"))],
        current=[_MAY],
        times_seen={_MAY: 2},
        fades={_MAY: "2023-10-31T00:00+00:00"},
    ),
    Case(
        "a plan for a day begins at midnight of the user's own timezone",
        [_first, _time_passes("2023-05-20")],
        current=[_MAY],
        timezone="Pacific/Auckland",
        reads={_MAY: f"{_MAY} (planned for 3 May 2023; outcome unknown)"},
        fades={_MAY: "2023-10-30T12:00+00:00"},
    ),
]

STATES = [
    Case(
        "a state that returns is current again",
        [
            _say("2023-04-01", "I have a cold.", fact(_COLD, life="state")),
            _say("2023-04-10", "I am well.", fact(_WELL, life="state")),
            _say("2023-04-20", "A cold again.", fact(_COLD, life="state")),
        ],
        current=[_COLD],
        ended=[(_COLD, "judged"), (_WELL, "judged")],
        replaces=[(_COLD, _WELL)],
        true_on={"2023-04-05": [_COLD], "2023-04-15": [_WELL], "2023-04-25": [_COLD]},
    ),
    Case(
        "a state that returns and is removed leaves the one before",
        [
            _say("2023-04-01", "I have a cold.", fact(_COLD, life="state")),
            _say("2023-04-10", "I am well.", fact(_WELL, life="state")),
            _say("2023-04-20", "A cold again.", fact(_COLD, life="state")),
            RemoveTurn("A cold again."),
        ],
        current=[_WELL],
        ended=[(_COLD, "judged"), (_COLD, "removed"), (_WELL, "judged")],
        replaces=[(_COLD, _WELL)],
    ),
    Case(
        "a state that is said again with a later end lasts longer",
        [
            _say("2023-05-01", "Nights in May.", fact("Ana works nights.", life="state", until="2023-05-31")),
            _say("2023-05-20", "Nights until July.", fact("Ana works nights.", life="state", until="2023-07-31")),
            _time_passes("2023-06-20"),
        ],
        current=["Ana works nights."],
        ended=[("Ana works nights.", "newer_value")],
        fades={"Ana works nights.": "2023-08-01T00:00+00:00"},
    ),
    Case(
        "the same value of a state with a later end lasts longer",
        [
            _say("2023-05-01", "One.", fact("Ana is on nights.", life="state", until="2023-05-31", shift="nights")),
            _say("2023-05-20", "Two.", fact("Ana is on nights.", life="state", until="2023-07-31", shift="nights")),
        ],
        current=["Ana is on nights."],
        ended=[("Ana is on nights.", "newer_value")],
        fades={"Ana is on nights.": "2023-08-01T00:00+00:00"},
    ),
    Case(
        "a state whose later end is removed has its former end",
        [
            _say("2023-05-01", "Nights in May.", fact("Ana works nights.", life="state", until="2023-05-31")),
            _say("2023-05-20", "Nights until July.", fact("Ana works nights.", life="state", until="2023-07-31")),
            RemoveTurn("Nights until July."),
        ],
        current=["Ana works nights."],
        ended=[("Ana works nights.", "newer_value"), ("Ana works nights.", "removed")],
        fades={"Ana works nights.": "2023-06-01T00:00+00:00"},
    ),
    Case(
        "an earlier end that arrives later shortens nothing",
        [
            _say("2023-05-20", "Nights until July.", fact("Ana works nights.", life="state", until="2023-07-31")),
            _say("2023-05-01", "Nights.", fact("Ana works nights.", life="state", until="2023-05-31"), session="old"),
        ],
        current=["Ana works nights."],
        ended=[("Ana works nights.", "newer_value")],
        fades={"Ana works nights.": "2023-08-01T00:00+00:00"},
    ),
    Case(
        "an attitude that flips twice is the first one again",
        [
            _opinion("2023-04-01", _LIKES, "good"),
            _opinion("2023-04-10", _HATES, "bad"),
            _opinion("2023-04-20", _LIKES, "good"),
        ],
        current=[_LIKES],
        ended=[(_LIKES, "newer_value"), (_HATES, "newer_value")],
        true_on={"2023-04-05": [_LIKES], "2023-04-15": [_HATES], "2023-04-25": [_LIKES]},
    ),
    Case(
        "a third statement settles a contradiction of two, and its removal opens it again",
        [
            _say("2023-05-01", "One.", fact(_NEVER)),
            _say("2023-06-01", "Two.", fact(_READS)),
            _say("2023-07-01", "Three.", fact(_ALL)),
            RemoveTurn("Three."),
        ],
        current=[_NEVER, _READS],
        ended=[(_NEVER, "judged"), (_READS, "judged"), (_ALL, "removed")],
        contradicts=[(_READS, _NEVER)],
        replaces=[(_ALL, _NEVER), (_ALL, _READS)],
        contradicting=[(_NEVER, _READS)],
        believed_after={2: [_NEVER, _READS], 3: [_ALL]},
    ),
    Case(
        "both of a contradiction that fall one after another contradict each other again when they are back",
        [
            _say("2023-05-01", "One.", fact(_NEVER)),
            _say("2023-06-01", "Two.", fact(_READS)),
            _say("2023-07-01", "Three.", fact("Ana took up Saramago.")),
            _say("2023-08-01", "Four.", fact("Ana gave Saramago up.")),
            RemoveTurn("Three."),
            RemoveTurn("Four."),
        ],
        current=[_NEVER, _READS],
        ended=[
            (_NEVER, "judged"),
            (_READS, "judged"),
            ("Ana took up Saramago.", "removed"),
            ("Ana gave Saramago up.", "removed"),
        ],
        contradicts=[(_READS, _NEVER)],
        replaces=[("Ana took up Saramago.", _NEVER), ("Ana gave Saramago up.", _READS)],
        contradicting=[(_NEVER, _READS)],
    ),
]


def _overruled(name: str, one: str, other: str, guard: str) -> Case:
    return Case(
        f"what the judge calls the same stays apart: {name}",
        [_say("2023-05-01", "One.", fact(one)), _say("2023-06-01", "Two.", fact(other))],
        current=[one, other],
        same=[(other, one)],
        overruled={f"overruled_same_{guard}": 1},
    )


def _taken(name: str, poorer: str, fuller: str) -> Case:
    return Case(
        f"a fuller wording takes the place of a poorer one: {name}",
        [_say("2023-05-01", "One.", fact(poorer)), _say("2023-06-01", "Two.", fact(fuller))],
        current=[fuller],
        ended=[(poorer, "refined")],
        refines=[(fuller, poorer)],
    )


WORDS = [
    _overruled(
        "two dates, the second one another", "Ana is away 3 May to 9 May.", "Ana is away 3 May to 12 May.", "dates"
    ),
    _overruled("another number in Chinese", "安娜跑了10公里。", "安娜跑了12公里。", "numbers"),
    _overruled("another day in Chinese", "安娜5月7日回家了。", "安娜5月8日回家了。", "dates"),
    _overruled("a denial in Chinese", "安娜吃鱼。", "安娜不吃鱼。", "negation"),
    _overruled("another number in German", "Ana hat 12 Kilo abgenommen.", "Ana hat 15 Kilo abgenommen.", "numbers"),
    _overruled("a denial in German", "Ana isst Fisch.", "Ana isst keinen Fisch.", "negation"),
    _overruled("another currency", "Ana pays €50 a month.", "Ana pays $50 a month.", "units"),
    _overruled("another unit of time", "Ana runs 30 minutes.", "Ana runs 30 hours.", "units"),
    _overruled("another time of day", "Ana gets up at 6:30.", "Ana gets up at 7:30.", "numbers"),
    _overruled("another year", "Ana moved in 2019.", "Ana moved in 2020.", "dates"),
    _taken("a second date", "Ana is away from 3 May 2023.", "Ana is away from 3 May 2023 to 10 May 2023."),
    Case(
        "in Chinese a date is not lost",
        [_say("2023-05-01", "One.", fact("安娜失业了。")), _say("2023-06-01", "Two.", fact("安娜2023年1月失业了。"))],
        current=["安娜失业了; 安娜2023年1月失业了。"],
        ended=[("安娜失业了。", "united"), ("安娜2023年1月失业了。", "united")],
        refines=[("安娜2023年1月失业了。", "安娜失业了。")],
    ),
    Case(
        "a move in Chinese",
        [
            _say("2023-05-01", "我住在里斯本。", fact("安娜住在里斯本。", about="安娜", lives_in="里斯本")),
            _say("2023-06-01", "我搬到波尔图了。", fact("安娜住在波尔图。", about="安娜", lives_in="波尔图")),
        ],
        current=["安娜住在波尔图。"],
        ended=[("安娜住在里斯本。", "newer_value")],
    ),
    Case(
        "the same amount with and without a separator is one fact",
        [
            _say("2023-05-01", "One.", fact("Ana pays 1,000 euros of rent.")),
            _say("2023-06-01", "Two.", fact("Ana pays 1000 euros of rent.")),
        ],
        current=["Ana pays 1,000 euros of rent."],
        same=[("Ana pays 1000 euros of rent.", "Ana pays 1,000 euros of rent.")],
        times_seen={"Ana pays 1,000 euros of rent.": 2},
    ),
    Case(
        "a fuller wording that was said earlier and arrives later takes the place of the poorer one",
        [
            _say("2023-06-01", "Two.", fact("Jon lost his job.")),
            _say("2023-05-01", "One.", fact("Jon lost his job at the bank in January 2023."), session="old"),
        ],
        current=["Jon lost his job at the bank in January 2023."],
        ended=[("Jon lost his job.", "refined")],
        refines=[("Jon lost his job at the bank in January 2023.", "Jon lost his job.")],
    ),
    Case(
        "a poorer wording is what is left when the turn of the fuller one is removed",
        [
            _say("2023-05-01", "One.", fact("Jon lost his job at the bank in January 2023.")),
            _say("2023-06-01", "Two.", fact("Jon lost his job.")),
            RemoveTurn("One."),
        ],
        current=["Jon lost his job."],
        ended=[("Jon lost his job at the bank in January 2023.", "removed")],
        same=[("Jon lost his job.", "Jon lost his job at the bank in January 2023.")],
        quotes={"Jon lost his job.": ["Two."]},
        times_seen={"Jon lost his job.": 1},
    ),
]

CASES = [*PLANS, *STATES, *WORDS]
