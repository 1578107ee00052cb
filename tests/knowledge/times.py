"""Times of facts: timezones, leap days, plans and endings, said before or after the event."""

from __future__ import annotations

from tests.knowledge.case import Case, batch, fact, model, user

CASES = [
    Case(
        "a day begins at midnight of the user's own timezone",
        [
            batch(
                user("2023-05-07T23:30+09:00", "I moved to Kyoto today."),
                model(fact("Ana lives in Kyoto.", lives_in="Kyoto", since="2023-05-07")),
            ),
        ],
        current=["Ana lives in Kyoto."],
        timezone="Asia/Tokyo",
        valid_times={"Ana lives in Kyoto.": ("2023-05-07T00:00+09:00", None)},
        true_on={"2023-05-06T14:59": [], "2023-05-06T15:00": ["Ana lives in Kyoto."]},
    ),
    Case(
        "a day ends at midnight of the user's own timezone",
        [
            batch(
                user("2023-05-01", "I'm in Denver until the 7th."),
                model(fact("Ana stays in Denver until 7 May 2023.", until="2023-05-07")),
            ),
        ],
        current=["Ana stays in Denver until 7 May 2023."],
        timezone="America/Denver",
        valid_times={"Ana stays in Denver until 7 May 2023.": (None, "2023-05-08T00:00-06:00")},
        true_on={"2023-05-08T05:59": ["Ana stays in Denver until 7 May 2023."], "2023-05-08T06:00": []},
    ),
    Case(
        "a time with an offset does not depend on the user's timezone",
        [
            batch(
                user("2023-05-01", "The lease starts at noon in Lisbon."),
                model(fact("Ana's lease started.", since="2023-05-02T12:00:00+01:00")),
            ),
        ],
        current=["Ana's lease started."],
        timezone="Asia/Tokyo",
        valid_times={"Ana's lease started.": ("2023-05-02T11:00", None)},
    ),
    Case(
        "the order of turns depends on UTC, not on local time",
        [
            batch(
                user("2023-05-07T20:00+09:00", "I live in Kyoto."), model(fact("Ana lives in Kyoto.", lives_in="Kyoto"))
            ),
            batch(
                user("2023-05-07T13:00+01:00", "I live in Leeds."), model(fact("Ana lives in Leeds.", lives_in="Leeds"))
            ),
        ],
        current=["Ana lives in Leeds."],
        ended=[("Ana lives in Kyoto.", "newer_value")],
        true_on={"2023-05-07T11:30": ["Ana lives in Kyoto."], "2023-05-07T12:00": ["Ana lives in Leeds."]},
    ),
    Case(
        "the end of daylight saving time",
        [
            batch(
                user("2023-10-29T02:30+02:00", "I'm at the Mitte hotel."),
                model(fact("Ana lives in Mitte.", lives_in="Mitte")),
            ),
            batch(
                user("2023-10-29T02:10+01:00", "Moved to the Wedding hotel."),
                model(fact("Ana lives in Wedding.", lives_in="Wedding")),
            ),
        ],
        current=["Ana lives in Wedding."],
        ended=[("Ana lives in Mitte.", "newer_value")],
        timezone="Europe/Berlin",
    ),
    Case(
        "a birthday on a leap day",
        [
            batch(
                user("2023-03-01", "I was born on 29 February 2000."),
                model(fact("Ana was born on 29 February 2000.", born_on="2000-02-29")),
            ),
            batch(
                user("2023-03-02", "My birthday is on 29 February 2000."),
                model(fact("Ana was born on 29 February 2000.", born_on="2000-02-29")),
            ),
        ],
        current=["Ana was born on 29 February 2000."],
        times_seen={"Ana was born on 29 February 2000.": 2},
    ),
    Case(
        "the last day of a leap year's February in another timezone",
        [
            batch(
                user("2024-02-29T23:30-10:00", "My visa runs out today."),
                model(fact("Ana's visa is valid until 29 February 2024.", until="2024-02-29")),
            ),
        ],
        current=["Ana's visa is valid until 29 February 2024."],
        timezone="Pacific/Honolulu",
        valid_times={"Ana's visa is valid until 29 February 2024.": (None, "2024-03-01T00:00-10:00")},
        true_on={"2024-03-01T09:59": ["Ana's visa is valid until 29 February 2024."], "2024-03-01T10:00": []},
    ),
    Case(
        "facts true at a time and facts recorded at a time",
        [
            batch(user("2023-01-01", "I live in Faro."), model(fact("Ana lives in Faro.", lives_in="Faro"))),
            batch(
                user("2023-06-01", "I've been in Bern since March, by the way."),
                model(fact("Ana lives in Bern.", lives_in="Bern", since="2023-03-01")),
            ),
        ],
        current=["Ana lives in Bern."],
        ended=[("Ana lives in Faro.", "newer_value")],
        true_on={"2023-02-01": ["Ana lives in Faro."], "2023-04-01": ["Ana lives in Bern."]},
        believed_after={1: ["Ana lives in Faro."], 2: ["Ana lives in Bern."]},
        history={"Ana lives in Bern.": ["Ana lives in Faro.", "Ana lives in Bern."]},
    ),
    Case(
        "a valid leap day",
        [
            batch(
                user("2024-02-29", "We got married today."),
                model(fact("Ana is married to Rui.", married_to="Rui", since="2024-02-29")),
            ),
        ],
        current=["Ana is married to Rui."],
        valid_times={"Ana is married to Rui.": ("2024-02-29T00:00", None)},
        true_on={"2024-02-28": [], "2024-02-29": ["Ana is married to Rui."]},
    ),
    Case(
        "an invalid leap day drops the date, not the fact",
        [
            batch(
                user("2023-03-01", "We got married yesterday."),
                model(fact("Ana is married to Rui.", married_to="Rui", since="2023-02-29")),
            ),
        ],
        current=["Ana is married to Rui."],
        valid_times={"Ana is married to Rui.": (None, None)},
    ),
    Case(
        "until February ends on its last day in a leap year",
        [
            batch(
                user("2024-02-01", "My contract runs until February."),
                model(fact("Ana's contract runs until February 2024.", until="2024-02")),
            ),
        ],
        current=["Ana's contract runs until February 2024."],
        true_on={"2024-02-29T23:59": ["Ana's contract runs until February 2024."], "2024-03-01T00:00": []},
    ),
    Case(
        "a plan is believed until its outcome is long overdue",
        [
            batch(
                user("2023-05-01", "I'm flying to Rome on 10 May."),
                model(fact("Ana plans to fly to Rome on 10 May 2023.", plans_to="fly to Rome", until="2023-05-10")),
            ),
        ],
        current=["Ana plans to fly to Rome on 10 May 2023."],
        true_on={
            "2023-04-30": [],
            "2023-05-02": ["Ana plans to fly to Rome on 10 May 2023."],
            "2023-05-11": ["Ana plans to fly to Rome on 10 May 2023."],
            "2023-11-11": [],
        },
    ),
    Case(
        "a plan is cancelled",
        [
            batch(
                user("2023-05-01", "I'm flying to Rome on 10 May."),
                model(fact("Ana plans to fly to Rome on 10 May 2023.", until="2023-05-10")),
            ),
            batch(user("2023-05-05", "Rome is off."), model(fact("Ana cancelled her trip to Rome."))),
        ],
        current=["Ana cancelled her trip to Rome."],
        ended=[("Ana plans to fly to Rome on 10 May 2023.", "judged")],
        replaces=[("Ana plans to fly to Rome on 10 May 2023.", "Ana cancelled her trip to Rome.")],
    ),
    Case(
        "a move in the future",
        [
            batch(user("2023-05-01", "I live in Faro."), model(fact("Ana lives in Faro.", lives_in="Faro"))),
            batch(
                user("2023-06-01", "I'm moving to Bern in September."),
                model(fact("Ana lives in Bern.", lives_in="Bern", since="2023-09-01")),
            ),
        ],
        current=["Ana lives in Bern."],
        ended=[("Ana lives in Faro.", "newer_value")],
        true_on={"2023-08-01": ["Ana lives in Faro."], "2023-09-02": ["Ana lives in Bern."]},
    ),
    Case(
        "a former job, said after the present job, does not compete",
        [
            batch(user("2023-05-01", "I work at Acme."), model(fact("Ana works at Acme.", works_at="Acme"))),
            batch(
                user("2023-06-01", "From 2015 to 2019 I was at Globex."),
                model(fact("Ana was at Globex 2015-2019.", works_at="Globex", since="2015", until="2019")),
            ),
        ],
        current=["Ana was at Globex 2015-2019.", "Ana works at Acme."],
        true_on={"2017-01-01": ["Ana was at Globex 2015-2019."], "2023-07-01": ["Ana works at Acme."]},
    ),
    Case(
        "a former job, said before the present job, does not compete",
        [
            batch(
                user("2023-04-01", "From 2015 to 2019 I was at Globex."),
                model(fact("Ana was at Globex 2015-2019.", works_at="Globex", since="2015", until="2019")),
            ),
            batch(user("2023-05-01", "I work at Acme."), model(fact("Ana works at Acme.", works_at="Acme"))),
        ],
        current=["Ana was at Globex 2015-2019.", "Ana works at Acme."],
        true_on={"2017-01-01": ["Ana was at Globex 2015-2019."], "2023-07-01": ["Ana works at Acme."]},
    ),
    Case(
        "an end that was said in advance stays when the next value begins",
        [
            batch(
                user("2023-01-01", "I'm at Acme until the end of June."),
                model(fact("Ana works at Acme.", works_at="Acme", until="2023-06")),
            ),
            batch(user("2023-09-01", "Globex hired me."), model(fact("Ana works at Globex.", works_at="Globex"))),
        ],
        current=["Ana works at Globex."],
        ended=[("Ana works at Acme.", "newer_value")],
        true_on={"2023-06-30": ["Ana works at Acme."], "2023-07-01": [], "2023-10-01": ["Ana works at Globex."]},
    ),
    Case(
        "an end before the start drops both dates",
        [
            batch(
                user("2023-01-01", "I'm in a choir."),
                model(fact("Ana sings in a choir.", since="2023-01-01", until="2020-01-01")),
            ),
        ],
        current=["Ana sings in a choir."],
        valid_times={"Ana sings in a choir.": (None, None)},
        rejected=["dates_dropped"],
    ),
]
