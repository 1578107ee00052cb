"""Keys: created, listed, rotated and revoked by commands; only their hash is stored."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from afterturn.access import access_log, key_text, keys
from afterturn.database import pool
from afterturn.errors import InvalidInput
from afterturn.local import machine_key
from afterturn.principal import ALL_RIGHTS, EveryUser, Principal, Right, UserPrefix
from afterturn.redaction import credentials
from tests import canary

EVERYTHING = Principal(tenant_id="default", users=EveryUser(), rights=ALL_RIGHTS)
ACTOR = access_log.make_system_actor()


@pytest.fixture
def connection(settings):
    with pool.worker_connection(settings) as opened:
        yield opened


def test_a_created_key_is_printed_alone_and_once(command, database, hot_store):
    made = command("keys", "create", "--label", "agents")
    assert made.code == 0
    key = made.out.strip()
    assert key_text.is_key(key) and made.out == key + "\n"
    assert key not in made.error and "only time" in made.error
    for listed in (command("keys", "list"), command("keys", "list", "--json")):
        assert key not in listed.out + listed.error
        assert key[: key_text.PREFIX_CHARACTERS] in listed.out and "agents" in listed.out
    assert canary.places(database, hot_store, key, key.removeprefix("at_")) == []
    [(digest,)] = database.execute("SELECT digest FROM api_keys").fetchall()
    assert digest == key_text.digest_of(key)


def test_what_a_key_gives_access_to_is_an_option(command):
    made = command.json("keys", "create")
    assert (made["rights"], made["users"], made["user_prefix"], made["tenant"]) == (
        ["read", "write"],
        None,
        None,
        "default",
    )
    assert (made["expires_at"], made["last_used_at"], made["state"]) == (None, None, "active")
    named = command.json("keys", "create", "--tenant", "acme", "--user", "ben", "--user", "ana", "--read")
    assert (named["tenant"], named["users"], named["rights"]) == ("acme", ["ana", "ben"], ["read"])
    prefixed = command.json(
        "keys", "create", "--user-prefix", "acme-", "--write", "--admin", "--requests-per-minute", "7"
    )
    assert (prefixed["user_prefix"], prefixed["rights"], prefixed["requests_per_minute"]) == (
        "acme-",
        ["admin", "write"],
        7,
    )
    assert [one["key_id"] for one in command.json("keys", "list", "--tenant", "acme")] == [named["key_id"]]
    assert len(command.json("keys", "list")) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--user", "ana", "--user-prefix", "a"), "--user or --user-prefix"),
        (("--user", ""), "1 to 200 characters"),
        (("--user-prefix", ""), "1 to 200 characters"),
        (("--tenant", "a\nb"), "control characters"),
        (("--expires", "soon"), "90d"),
        (("--expires", "2027-01-31"), "2027-01-31T12:00Z"),
        (("--expires", "2020-01-31T12:00Z"), "in the past"),
        (("--expires", "0d"), "ten years"),
        (("--expires", "99999w"), "ten years"),
        (("--requests-per-minute", "0"), "1 and 1,000,000"),
        (("--label", ""), "label"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_fix(command, database, options, message):
    refused = command("keys", "create", *options)
    assert refused.code == 2 and "error [invalid_i" in refused.error, refused
    assert message in refused.error
    assert database.execute("SELECT count(*) FROM api_keys").fetchone() == (0,)


def test_a_key_names_at_most_a_thousand_users(connection):
    users = frozenset(f"u{number}" for number in range(keys.USERS_LIMIT + 1))
    with pytest.raises(InvalidInput, match="1 to 1,000 users; for more, give a prefix"):
        keys.create(connection, Principal(tenant_id="t", users=users, rights=ALL_RIGHTS), actor=ACTOR)
    with pytest.raises(InvalidInput, match="1 to 1,000 users"):
        keys.create(connection, Principal(tenant_id="t", users=frozenset(), rights=ALL_RIGHTS), actor=ACTOR)
    with pytest.raises(InvalidInput, match="needs a right"):
        keys.create(connection, Principal(tenant_id="t", users=EveryUser(), rights=frozenset()), actor=ACTOR)


def test_the_end_of_a_key_is_a_duration_or_a_time(command):
    made = command.json("keys", "create", "--expires", "90d")
    ends = datetime.fromisoformat(made["expires_at"])
    assert abs(ends - datetime.now(UTC) - timedelta(days=90)) < timedelta(minutes=5)
    made = command.json("keys", "create", "--expires", "2099-01-31T12:00+01:00")
    assert datetime.fromisoformat(made["expires_at"]) == datetime(2099, 1, 31, 11, tzinfo=UTC)


def test_a_rotated_key_works_for_the_grace_time_and_the_new_one_is_like_it(command):
    old = command.json("keys", "create", "--user", "ana", "--read", "--label", "web", "--expires", "90d")
    new = command.json("keys", "rotate", old["prefix"], "--grace", "30m")
    assert new["key"] != old["key"] and key_text.is_key(new["key"])
    same = ("tenant", "users", "rights", "label", "expires_at", "requests_per_minute")
    assert [new[name] for name in same] == [old[name] for name in same]
    assert new["rotated_from"] == old["key_id"] == new["old"]["key_id"]
    left = datetime.fromisoformat(new["old"]["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=25) < left < timedelta(minutes=35)
    again = command("keys", "rotate", old["prefix"])
    assert again.code == 2 and f"replaced by {new['prefix']}" in again.error
    # The new one is lost: revoked, the old one can be rotated again.
    command("keys", "revoke", new["key_id"])
    assert command("keys", "rotate", old["key_id"], "--grace", "0s").code == 0
    assert "expired and cannot be rotated" in command("keys", "rotate", old["key_id"]).error


def test_the_grace_time_never_makes_a_key_live_longer(command):
    old = command.json("keys", "create", "--expires", "10m")
    new = command.json("keys", "rotate", old["prefix"], "--grace", "7d")
    assert new["old"]["expires_at"] == old["expires_at"]


def test_rotations_at_the_same_time_give_one_new_key(settings, database):
    with pool.worker_connection(settings) as connection:
        old = keys.create(connection, EVERYTHING, actor=ACTOR).row
    barrier = threading.Barrier(6)

    def rotate(_):
        with pool.worker_connection(settings) as connection:
            barrier.wait(20)
            try:
                return keys.rotate(connection, old.prefix, actor=ACTOR).new.text
            except InvalidInput as error:
                return error

    with ThreadPoolExecutor(6) as threads:
        results = list(threads.map(rotate, range(6)))
    assert sum(isinstance(result, str) for result in results) == 1
    assert all("is replaced by" in str(result) for result in results if not isinstance(result, str))
    assert database.execute("SELECT count(*) FROM api_keys").fetchone() == (2,)


def test_revoking_is_idempotent(command):
    made = command.json("keys", "create")
    first, second = (command.json("keys", "revoke", made["prefix"]) for _ in range(2))
    assert (first["is_new"], second["is_new"]) == (True, False)
    assert first["revoked_at"] == second["revoked_at"] is not None
    assert command.json("keys", "list") == []
    assert [one["state"] for one in command.json("keys", "list", "--all")] == ["revoked"]
    assert "is revoked and cannot be rotated" in command("keys", "rotate", made["prefix"]).error


def test_a_key_is_named_by_id_beginning_or_itself_and_never_repeated_in_an_error(command, database):
    made = command.json("keys", "create")
    for name in ("nonsense", "at_", "at_abc", "00000000-0000-0000-0000-000000000007", key_text.make_key()):
        refused = command("keys", "revoke", name)
        assert refused.code == 2 and "keys list" in refused.error
        assert not key_text.is_key(name) or name not in refused.error
    other = command("keys", "revoke", made["prefix"], "--tenant", "acme")
    assert other.code == 2 and "no key" in other.error
    # Another key with the same beginning is not meant by the key itself.
    forged = made["key"][:-1] + ("A" if made["key"][-1] != "A" else "B")
    assert "there is no key" in command("keys", "revoke", forged).error
    database.execute(
        "INSERT INTO api_keys (tenant_id, digest, prefix, audience, rights) "
        "SELECT 'acme', sha256('x'), prefix, 'every_user', rights FROM api_keys"
    )
    ambiguous = command("keys", "revoke", made["prefix"])
    assert ambiguous.code == 2 and made["key_id"] in ambiguous.error
    assert command("keys", "revoke", made["key"]).code == 0


def test_the_table_is_readable_at_80_columns(command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    made = command.json("keys", "create", "--user", "ana", "--label", "a label [red]of some length[/]")
    shown = command("keys", "list").out
    assert made["prefix"] in shown and "[red]of" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_the_reader_cannot_list_keys_whatever_it_runs(settings, database):
    with pool.worker_connection(settings) as connection:
        made = keys.create(connection, EVERYTHING, actor=ACTOR)
    with pool.open_app_pool(settings) as opened, opened.connection() as reader:
        for table in ("api_keys", "access_log"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(f"SELECT * FROM {table}")
        # It finds the key whose digest it knows, and has no other way.
        row = reader.execute("SELECT * FROM find_api_key(%s)", (key_text.digest_of(made.text),)).fetchone()
        assert (row["key_id"], row["tenant_id"], row["is_revoked"]) == (made.row.key_id, "default", False)
        assert reader.execute("SELECT * FROM find_api_key(%s)", (key_text.digest_of("at_x"),)).fetchone() is None
        # A table of the caller's own, with the same name, is not read.
        reader.execute("CREATE TEMPORARY TABLE api_keys (digest bytea)")
        assert reader.execute("SELECT has_api_keys() AS has").fetchone() == {"has": True}
    public = database.execute(
        "SELECT count(*) FROM information_schema.routine_privileges WHERE grantee = 'PUBLIC' "
        "AND routine_name IN ('find_api_key', 'touch_api_key', 'has_api_keys')"
    ).fetchone()
    assert public == (0,)


def test_keys_are_redacted_from_texts():
    for key in (key_text.make_key() for _ in range(500)):
        for text in (
            f"Use {key} for the memory.",
            f"Authorization: Bearer {key}",
            f"({key})",
            f'"{key}",',
            f"key={key}",
        ):
            assert key not in credentials.redact(text) and key[3:] not in credentials.redact(text)


def test_keys_are_long_and_random():
    made = {key_text.make_key() for _ in range(1_000)}
    assert len(made) == 1_000 and all(map(key_text.is_key, made))
    assert len(key_text.make_key().removeprefix("at_")) == 43  # 62 ** 43 > 2 ** 256
    assert 62**43 > 2**256


def test_changes_of_keys_are_in_the_log_and_name_who_made_them(command):
    old = command.json("keys", "create", "--user", "ana")
    new = command.json("keys", "rotate", old["prefix"])
    command.json("keys", "revoke", new["prefix"])
    command.json("keys", "revoke", new["prefix"])
    logged = command.json("audit", "--action", "keys")
    assert [(entry["action"], entry["key_id"], entry["actor"]) for entry in reversed(logged)] == [
        ("keys.create", old["key_id"], ACTOR.name),
        ("keys.rotate", old["key_id"], ACTOR.name),
        ("keys.revoke", new["key_id"], ACTOR.name),
    ]
    assert "ana" not in json.dumps(logged) and old["key"] not in json.dumps(logged)
    assert "keys.rotate" in command("audit").out


def test_a_prefix_and_all_users_are_kept_as_they_were_given(connection):
    for users in (EveryUser(), UserPrefix("acme-"), frozenset({"ana"})):
        principal = Principal(tenant_id="default", users=users, rights=frozenset({Right.READ}))
        keys.create(connection, principal, actor=ACTOR)
        assert keys.list_keys(connection)[0].principal == principal


def test_the_key_of_this_machine_is_kept_until_it_is_revoked(connection, settings, tmp_path):
    first = machine_key.ensure_machine_key(settings, tmp_path)
    assert machine_key.ensure_machine_key(settings, tmp_path) == first
    [listed] = keys.list_keys(connection)
    assert (listed.label, listed.principal.rights) == (keys.MACHINE_LABEL, {"read", "write"})
    keys.revoke(connection, first, actor=ACTOR)
    second = machine_key.ensure_machine_key(settings, tmp_path)
    assert second != first and keys.is_good(connection, second) and not keys.is_good(connection, first)


def test_the_key_of_this_machine_alone_requires_no_key(connection, settings, tmp_path):
    machine_key.ensure_machine_key(settings, tmp_path)
    assert not keys.exists(connection)
    keys.create(connection, EVERYTHING, actor=ACTOR, label="agents")
    assert keys.exists(connection)


def test_nobody_else_gives_a_key_its_label(connection):
    with pytest.raises(InvalidInput, match="afterturn up"):
        keys.create(connection, EVERYTHING, actor=ACTOR, label=keys.MACHINE_LABEL)


def test_a_file_that_holds_no_key_is_replaced(settings, tmp_path):
    (tmp_path / machine_key.FILE).write_text("torn\n")
    assert key_text.is_key(machine_key.ensure_machine_key(settings, tmp_path))
