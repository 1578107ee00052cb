"""`preferences` and `set_preference`: facts with a key and one current value."""

from __future__ import annotations

from afterturn.client.effects import Plan, read_rows
from afterturn.client.plans import edits
from afterturn.client.session import ClientSession
from afterturn.summaries import preferences as preference_facts
from afterturn.summaries import summary_queries
from afterturn.summaries.preferences import Preference


def preferences(session: ClientSession) -> Plan[dict[str, str]]:
    """Return the user's current preferences by key."""
    return preference_facts.values_by_key((yield from _read(session)))


def set_preference(session: ClientSession, key: str, value: str, *, edit_id: str | None) -> Plan[str]:
    """Enter a preference by hand, or correct the one that is there; return the id of its fact."""
    names = yield from read_rows(session.scope.user, summary_queries.user_name_statement(session.scope.user))
    said = preference_facts.make_preference_fact(key, value, name=names[0]["display_name"] if names else None)
    before = preference_facts.find_preference((yield from _read(session)), key)
    if before is None:
        return (yield from edits.add_fact(session, said.text, **said.fields, edit_id=edit_id))
    return (
        yield from edits.correct_fact(
            session, before.fact_id, said.text, **said.fields, valid_from=said.since, edit_id=edit_id
        )
    )


def _read(session: ClientSession) -> Plan[list[Preference]]:
    rows = yield from read_rows(session.scope.user, summary_queries.preferences_statement(session.scope.user))
    return preference_facts.parse_preferences(rows)
