"""`preferences` and `set_preference`. A preference is a fact with a key and one current value."""

from __future__ import annotations

from afterturn.client.effects import Plan, read_rows
from afterturn.client.plans import edits
from afterturn.client.session import ClientSession
from afterturn.summaries import preferences as preference_facts
from afterturn.summaries import summary_queries
from afterturn.summaries.preferences import Preference


def preferences(session: ClientSession) -> Plan[dict[str, str]]:
    """Return the user's current preferences by key."""
    return preference_facts.values_by_key((yield from _read_preferences(session)))


def set_preference(session: ClientSession, key: str, value: str, *, edit_id: str | None) -> Plan[str]:
    """Add a preference, or correct the existing one, and return the id of its fact."""
    names = yield from read_rows(session.scope.user, summary_queries.user_name_statement(session.scope.user))
    new = preference_facts.make_preference_fact(key, value, name=names[0]["display_name"] if names else None)
    existing = preference_facts.find_preference((yield from _read_preferences(session)), key)
    if existing is None:
        return (yield from edits.add_fact(session, new.text, **new.fields, edit_id=edit_id))
    return (
        yield from edits.correct_fact(
            session, existing.fact_id, new.text, **new.fields, valid_from=new.since, edit_id=edit_id
        )
    )


def _read_preferences(session: ClientSession) -> Plan[list[Preference]]:
    rows = yield from read_rows(session.scope.user, summary_queries.preferences_statement(session.scope.user))
    return preference_facts.parse_preferences(rows)
