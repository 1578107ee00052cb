"""The access log: what administrators did, to whom; and what is left of a user who was forgotten."""

import json

import pytest

from afterturn import MemoryClient, system_user
from afterturn.access import access_log, api_key, keys
from afterturn.access.access_log import Actor
from afterturn.access.caller import Caller
from afterturn.database import pool
from afterturn.forgetting import erasures, export
from afterturn.principal import ALL_RIGHTS, EveryUser, Principal, UserPrefix
from afterturn.scopes import UserScope
from tests import canary

ANA = UserScope("default", f"ana-{canary.ID}")
ME = system_user.read_name()


@pytest.fixture
def connection(settings):
    with pool.worker_connection(settings) as opened:
        yield opened


def make_key(connection, users, tenant="default", **options):
    principal = Principal(tenant_id=tenant, users=users, rights=ALL_RIGHTS)
    return keys.create(connection, principal, actor=access_log.make_system_actor(), **options).row


def reread(connection, key):
    return next(found for found in keys.list_keys(connection, with_ended=True) if found.key_id == key.key_id)


def test_commands_that_show_copy_or_erase_a_memory_are_in_the_log(settings, pipeline, command, tmp_path):
    MemoryClient("ana", settings=settings).write("user", "I live in Porto.")
    pipeline.settle()
    command("facts", "--user", "ana")
    command("facts", "history", "00000000-0000-0000-0000-000000000007", "--user", "ana")
    command("export", "ana", "--output", str(tmp_path / "ana.jsonl"))
    command("export", "ben", "--tenant", "acme", "--output", str(tmp_path / "ben.jsonl"))
    command("forget", "ana", "--yes")
    logged = command.json("audit")
    assert [(entry["action"], entry["tenant_id"], entry["about_user"]) for entry in reversed(logged)] == [
        ("facts.list", "default", None),
        ("facts.history", "default", None),
        ("export", "default", None),
        ("export", "acme", "ben"),
        ("forget", "default", None),
    ]
    assert {(entry["actor_kind"], entry["actor"], entry["address"]) for entry in logged} == {("system", ME, None)}
    owner_hash = erasures.owner_hash(UserScope("default", "ana"))
    assert [entry["owner_hash"] for entry in logged].count(owner_hash) == 4
    assert len(command.json("audit", "--user", "ana")) == 4
    assert len(command.json("audit", "--user", "ben", "--tenant", "acme")) == 1
    assert [entry["action"] for entry in command.json("audit", "--action", "facts")] == ["facts.history", "facts.list"]
    assert len(command.json("audit", "--limit", "2")) == 2
    assert "Porto" not in json.dumps(logged)
    shown = command("audit").out
    assert f"forgotten {owner_hash[:12]}" in shown and "acme / ben" in shown


def test_replays_of_dead_letters_are_shown_beside_them(command, database):
    database.execute(
        "INSERT INTO audit_log (tenant_id, user_id, action, actor) VALUES ('default', 'ana', 'replay', 'eve')"
    )
    [entry] = command.json("audit", "--action", "dead")
    assert (entry["action"], entry["about_user"], entry["actor"]) == ("dead.replay", "ana", "eve")


def test_what_cannot_be_logged_is_not_done(settings, command, tmp_path, database):
    database.execute("REVOKE INSERT ON access_log FROM afterturn_worker")
    output = tmp_path / "ana.jsonl"
    try:
        assert command("export", "ana", "--output", str(output)).code != 0
        assert command("forget", "ana", "--yes").code != 0
        assert command("keys", "create").code != 0
    finally:
        database.execute("GRANT INSERT ON access_log TO afterturn_worker")
    assert not output.exists()
    assert database.execute("SELECT count(*) FROM api_keys").fetchone() == (0,)
    assert database.execute("SELECT count(*) FROM erasures").fetchone() == (0,)


def test_the_actor_of_a_request_is_its_caller(connection):
    principal = Principal(tenant_id="default", users=EveryUser(), rights=ALL_RIGHTS)
    actor = access_log.make_actor(Caller(principal=principal, kind="key", name="k-1"), "10.0.0.7")
    access_log.record(connection, "export", actor=actor, tenant_id="default", user_id="ana", details={"records": 7})
    [entry] = access_log.read(connection)
    assert (entry.actor_kind, entry.actor, entry.address, entry.details) == ("key", "k-1", "10.0.0.7", {"records": 7})


def test_a_forgotten_user_is_in_no_key_and_no_entry(settings, pipeline, connection, database, hot_store):
    user = ANA.user_id
    own = make_key(connection, frozenset({user}), label=f"for {user}")
    shared = make_key(connection, frozenset({user, "ben"}), label="web")
    prefix = make_key(connection, UserPrefix(user), label="by prefix")
    group = make_key(connection, UserPrefix("ana-"), label="group")
    other = make_key(connection, frozenset({user}), tenant="acme")
    by_token = Actor(kind="token", name=user, address="10.0.0.7")
    access_log.record(connection, "facts.list", actor=by_token, tenant_id="default", user_id=user)
    access_log.record(connection, "export", actor=by_token, tenant_id="acme", user_id="ben")

    exported = [record.values for record in export.export_records(pipeline.runtime.user_stores, ANA)]
    assert [values["table"] for values in exported] == ["api_keys"] * 3 + ["access_log"]
    assert "digest" not in json.dumps(exported) and "ben" not in json.dumps(exported)

    receipt = erasures.forget(pipeline.runtime, ANA, actor=access_log.make_system_actor())
    assert receipt.removed == {"api_keys": 3}
    assert list(export.export_records(pipeline.runtime.user_stores, ANA)) == []
    # What is of the other tenant's user with the same id stays.
    database.execute("DELETE FROM api_keys WHERE tenant_id = 'acme'")
    database.execute("DELETE FROM access_log WHERE tenant_id = 'acme'")
    assert canary.places(database, hot_store, canary.ID) == []
    assert other.principal.tenant_id == "acme"
    states = {key.label: (key.state, key.principal.users) for key in keys.list_keys(connection, with_ended=True)}
    assert states == {
        None: ("revoked", frozenset()),
        "web": ("active", frozenset({"ben"})),
        "group": ("active", UserPrefix("ana-")),
    }
    assert reread(connection, own).state == reread(connection, prefix).state == "revoked"
    assert reread(connection, shared).state == reread(connection, group).state == "active"
    token_entries = [entry for entry in access_log.read(connection) if entry.actor_kind == "token"]
    assert [(entry.actor, entry.address) for entry in token_entries] == [(receipt.owner_hash, None)]


def test_whoever_registers_again_is_not_read_with_the_old_key(settings, pipeline, connection):
    """Neither with the key of the user who was forgotten, nor with one that named others too."""
    own, shared = (make_key(connection, users) for users in (frozenset({"ana"}), frozenset({"ana", "ben"})))
    erasures.forget(pipeline.runtime, UserScope("default", "ana"))
    MemoryClient("ana", settings=settings).write("user", "I am another Ana.")
    assert "ana" not in reread(connection, shared).principal.users
    assert reread(connection, own).state == "revoked"


def test_a_revoked_key_keeps_the_time_at_which_it_was_revoked(pipeline, connection):
    key = make_key(connection, frozenset({"ana"}))
    revoked, _ = keys.revoke(connection, str(key.key_id), actor=access_log.make_system_actor())
    erasures.forget(pipeline.runtime, UserScope("default", "ana"))
    assert reread(connection, key).revoked_at == revoked.revoked_at


def test_columns_and_principals_are_inverses():
    for users in (EveryUser(), UserPrefix("acme-"), frozenset({"ana", "ben"})):
        principal = Principal(tenant_id="default", users=users, rights=ALL_RIGHTS)
        assert api_key.principal_of(api_key.to_columns(principal)) == principal
