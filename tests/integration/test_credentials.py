"""Credentials at the HTTP API: how soon a change takes effect, what an outage does, and when none is needed."""

import asyncio
import hmac
import logging
import time
from contextlib import contextmanager

import psycopg
import pytest
from fastapi.testclient import TestClient

from afterturn.access import access_log, fresh_value, key_cache, key_text, keys, wrong_credentials
from afterturn.access.credentials import is_unguessable
from afterturn.access.wrong_credentials import WrongCredentials
from afterturn.database import pool
from afterturn.errors import SettingsError, Unauthorized
from afterturn.local import services
from afterturn.principal import ALL_RIGHTS, EveryUser, Principal
from api_shim.credentials import open_credentials
from api_shim.http.app import create_app
from tests import canary

PROFILE = "/v1/users/ana/profile"
TURNS = "/v1/users/ana/sessions/chat/turns"
TURN = {"turns": [{"role": "user", "content": "Hello"}]}
ACTOR = access_log.make_system_actor()


def make_key(settings, *, tenant="default", **options):
    principal = Principal(tenant_id=tenant, users=EveryUser(), rights=ALL_RIGHTS)
    with pool.worker_connection(settings) as connection:
        return keys.create(connection, principal, actor=ACTOR, **options)


def change(settings, act, key, **options):
    with pool.worker_connection(settings) as connection:
        return act(connection, str(key.row.key_id), actor=ACTOR, **options)


def with_settings(settings, **changed):
    return type(settings)(**settings.model_dump(exclude_unset=True) | changed)


@contextmanager
def serve(settings, server="127.0.0.1"):
    with TestClient(create_app(settings), base_url=f"http://{server}:8600") as client:
        yield client


def bearer(key):
    return {"Authorization": f"Bearer {getattr(key, 'text', key)}"}


@pytest.fixture
def quick(monkeypatch):
    """Keys are read again after a tenth of the usual time."""
    monkeypatch.setattr(fresh_value, "FRESH_SECONDS", 0.5)


def wait_until(check, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_revoked_key_is_refused_within_the_stated_time(settings, hot_store):
    """With the real time, 5 seconds: the key is in use all the while."""
    assert fresh_value.FRESH_SECONDS <= 5.0
    key = make_key(settings)
    with serve(settings) as client:
        assert client.get(PROFILE, headers=bearer(key)).status_code == 200
        change(settings, keys.revoke, key)
        wait_until(lambda: client.get(PROFILE, headers=bearer(key)).status_code == 401)
        time.sleep(0.2)
        assert client.get(PROFILE, headers=bearer(key)).status_code == 401


def test_a_key_is_refused_as_soon_as_it_has_expired_also_if_it_was_just_used(settings, hot_store):
    first = make_key(settings)
    with serve(settings) as client:
        assert client.get(PROFILE, headers=bearer(first)).status_code == 200, "all is loaded"
        key = make_key(settings, expires_in_seconds=4.0)
        assert client.get(PROFILE, headers=bearer(key)).status_code == 200
        # By the clock that decides: that of sleeping may be a little faster.
        ends = time.time() + 4.1
        while time.time() < ends:
            time.sleep(0.1)
        assert client.get(PROFILE, headers=bearer(key)).status_code == 401


def test_both_keys_work_while_one_is_rotated(settings, hot_store, quick):
    old = make_key(settings)
    with serve(settings) as client:
        assert client.get(PROFILE, headers=bearer(old)).status_code == 200
        new = change(settings, keys.rotate, old, grace_seconds=4).new
        deadline = time.monotonic() + 1.2
        while time.monotonic() < deadline:
            assert [client.get(PROFILE, headers=bearer(key)).status_code for key in (old, new)] == [200, 200]
        wait_until(lambda: client.get(PROFILE, headers=bearer(old)).status_code == 401)
        assert client.get(PROFILE, headers=bearer(new)).status_code == 200


def test_a_request_with_a_known_key_asks_postgres_nothing(settings, hot_store, monkeypatch):
    key = make_key(settings)
    asked = []
    read = key_cache.KeyCache._read

    async def counting(self, digest):
        asked.append(digest)
        return await read(self, digest)

    monkeypatch.setattr(key_cache.KeyCache, "_read", counting)
    with serve(settings) as client:
        for _ in range(100):
            assert client.post(TURNS, json=TURN, headers=bearer(key)).status_code == 201
    assert len(asked) <= 2


async def resolve_at_once(credentials, key, count):
    return await asyncio.gather(*(credentials.resolve(key) for _ in range(count)), return_exceptions=True)


def test_many_first_requests_make_one_query(settings, monkeypatch):
    key, asked = make_key(settings), []
    read = key_cache.KeyCache._read

    async def counting(self, digest):
        asked.append(digest)
        return await read(self, digest)

    monkeypatch.setattr(key_cache.KeyCache, "_read", counting)

    async def run():
        credentials = open_credentials(settings)
        return await resolve_at_once(credentials, key.text, 50)

    callers = asyncio.run(run())
    assert {caller.name for caller in callers} == {str(key.row.key_id)}
    assert len(asked) == 1


def test_wrong_keys_displace_no_good_one(settings, monkeypatch):
    monkeypatch.setattr(key_cache, "KEYS_LIMIT", 2)
    made = [make_key(settings) for _ in range(3)]

    async def run():
        credentials = open_credentials(settings)
        for key in made:
            await credentials.resolve(key.text)
        known = set(credentials._keys._good)
        for _ in range(5):
            with pytest.raises(Unauthorized):
                await credentials.resolve(key_text.make_key())
        assert set(credentials._keys._good) == known == {key_text.digest_of(key.text) for key in made[1:]}
        assert credentials._keys._new == {}

    asyncio.run(run())


def test_a_key_resolves_to_a_principal_outside_of_http(settings):
    key = make_key(settings, tenant="acme")

    async def run():
        return await open_credentials(settings).resolve(key.text)

    caller = asyncio.run(run())
    assert caller.principal == key.row.principal
    assert (caller.kind, caller.name) == ("key", str(key.row.key_id))


def test_the_last_use_is_stored_at_most_once_a_minute(settings, hot_store, database, quick):
    key = make_key(settings)

    def last_use():
        return database.execute("SELECT last_used_at FROM api_keys").fetchone()[0]

    with serve(settings) as client:
        assert last_use() is None
        client.get(PROFILE, headers=bearer(key))
        first = last_use()
        assert first is not None
        for _ in range(6):
            client.get(PROFILE, headers=bearer(key))
            time.sleep(0.2)
        assert last_use() == first
        database.execute("UPDATE api_keys SET last_used_at = last_used_at - interval '61 seconds'")
        time.sleep(0.6)
        client.get(PROFILE, headers=bearer(key))
        wait_until(lambda: last_use() >= first)


def test_a_database_that_takes_no_writes_does_not_refuse_a_key(settings, hot_store, database):
    key = make_key(settings)
    name = database.info.dbname
    database.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    try:
        with serve(settings) as client:
            assert client.get(PROFILE, headers=bearer(key)).status_code == 200
    finally:
        database.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')


def test_without_any_key_the_api_answers_to_this_machine_and_says_so(settings, hot_store, caplog):
    with caplog.at_level(logging.WARNING), serve(settings) as client:
        assert client.get(PROFILE).status_code == 200
    assert "needs no credential" in caplog.text and "afterturn keys create" in caplog.text


@pytest.mark.parametrize("ended", [None, "revoked", "expired"])
def test_once_a_key_exists_or_existed_a_credential_is_needed(settings, hot_store, caplog, database, ended):
    key = make_key(settings, tenant="acme")
    if ended == "revoked":
        change(settings, keys.revoke, key)
    elif ended == "expired":
        database.execute("UPDATE api_keys SET expires_at = now()")
    with caplog.at_level(logging.WARNING), serve(settings) as client:
        answer = client.get(PROFILE)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
        assert "afterturn keys create" in answer.json()["detail"]
        assert client.get(PROFILE, headers=bearer(key)).status_code == (200 if ended is None else 401)
    assert "needs no credential" not in caplog.text


def test_the_first_key_closes_a_running_api(settings, hot_store, quick):
    with serve(settings) as client:
        assert client.get(PROFILE).status_code == 200
        make_key(settings)
        wait_until(lambda: client.get(PROFILE).status_code == 401, seconds=60)


@pytest.mark.parametrize("credential", ["not-needed", "at_" + 43 * "x", "a.b.c", ""])
def test_where_no_credential_is_needed_any_is_accepted(settings, hot_store, credential):
    """Clients of OpenAI's API always send a key, whatever it is."""
    with serve(settings) as client:
        assert client.get(PROFILE, headers=bearer(credential)).status_code == 200


@pytest.mark.parametrize("server", ["192.168.1.2", "10.0.0.7", "[2001:db8::1]", "0.0.0.0"])
def test_what_arrives_from_elsewhere_always_needs_a_credential(settings, hot_store, server):
    """Also where the API was bound by other means than our setting."""
    with serve(with_settings(settings, api_allowed_hosts="*"), server) as client:
        assert client.get(PROFILE).status_code == 401
        assert client.get("/healthz").status_code == 200


def test_an_api_for_other_machines_always_needs_a_credential(settings, hot_store):
    with serve(with_settings(settings, api_host="0.0.0.0")) as client:
        assert client.get(PROFILE).status_code == 401


def test_with_keys_the_host_may_be_any_and_without_them_it_may_not(settings, hot_store, quick):
    host = {"Host": "memory.example.com"}
    with serve(settings) as client:
        assert client.get(PROFILE, headers=host).status_code == 421
        key = make_key(settings)
        wait_until(lambda: client.get(PROFILE, headers=host | bearer(key)).status_code == 200, seconds=60)
        assert client.get(PROFILE, headers=host).status_code == 401
    with serve(with_settings(settings, api_allowed_hosts="api.example.com")) as client:
        assert client.get(PROFILE, headers=host | bearer(key)).status_code == 421


def test_other_machines_are_served_with_a_key_in_the_database(settings):
    reachable = with_settings(settings, api_host="0.0.0.0")
    with pytest.raises(SettingsError, match=r"there is no key\. Make one with `afterturn keys create`"):
        services.require_logins(reachable, ("api",))
    key = make_key(settings)
    services.require_logins(reachable, ("api",))
    change(settings, keys.revoke, key)
    with pytest.raises(SettingsError, match="there is no key"):
        services.require_logins(reachable, ("api",))


def test_whether_keys_exist_is_unknown_while_postgres_is_away(settings, hot_store):
    away = with_settings(settings, postgres_url="postgresql://afterturn@127.0.0.1:1/none", api_host="localhost")
    with serve(away) as client:
        answer = client.post(TURNS, json=TURN)
        assert (answer.status_code, answer.json()["code"]) == (503, "memory_unavailable")
    with serve(with_settings(away, api_key="s3cret")) as client:
        assert client.post(TURNS, json=TURN).status_code == 401
        assert client.post(TURNS, json=TURN, headers=bearer("s3cret")).status_code == 201


def test_the_owners_key_has_every_right_in_the_tenant_of_the_server(settings, hot_store):
    with serve(with_settings(settings, api_key="s3cret", tenant="acme")) as client:
        assert client.post(TURNS, json=TURN, headers=bearer("s3cret")).status_code == 201
        assert client.get(PROFILE, headers=bearer("s3cret")).status_code == 200
        for wrong in ("s3cre", "s3crett", "S3cret", "", "\u00e9".encode().decode("latin-1")):
            assert (
                client.get(PROFILE, headers={"Authorization": f"Bearer {wrong}".encode("latin-1")}).status_code == 401
            )
        # Keys work beside it.
        assert client.get(PROFILE, headers=bearer(make_key(settings))).status_code == 200
    assert any(b":acme:" in name for name in hot_store.keys("at:*pending*"))


def test_guesses_from_one_address_are_bounded(settings, hot_store, monkeypatch):
    monkeypatch.setattr(wrong_credentials, "WRONG_PER_MINUTE", 3)
    monkeypatch.setattr(wrong_credentials, "_INTERVAL_SECONDS", 20.0)
    key = make_key(settings)
    with serve(with_settings(settings, api_key="s3cret")) as client:
        answers = [client.get(PROFILE, headers=bearer(f"guess-{number}")) for number in range(5)]
        assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
        assert answers[-1].json()["code"] == "rate_limited"
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 20
        # The right one is not tried any more, and a key, which nobody can guess, is.
        assert client.get(PROFILE, headers=bearer("s3cret")).status_code == 429
        assert client.get(PROFILE, headers=bearer(key)).status_code == 200
        assert client.get(PROFILE, headers=bearer(key_text.make_key())).status_code == 429
        # No credential is no guess.
        assert client.get(PROFILE).status_code == 401


def test_wrong_credentials_are_counted_by_address_and_ipv6_network():
    wrong = WrongCredentials()
    for _ in range(wrong_credentials.WRONG_PER_MINUTE):
        wrong.count("2001:db8::1")
    assert 1 <= wrong.seconds_to_wait("2001:db8::ffff") <= 60
    assert wrong.seconds_to_wait("2001:db8:0:1::1") == 0
    for _ in range(10 * wrong_credentials.WRONG_PER_MINUTE):
        wrong.count("::ffff:10.0.0.7")
    assert 1 <= wrong.seconds_to_wait("10.0.0.7") <= 60
    assert wrong.seconds_to_wait(None) == wrong.seconds_to_wait("10.0.0.8") == 0
    for number in range(wrong_credentials.ADDRESSES_LIMIT + 10):
        wrong.count(f"host-{number}")
    assert len(wrong._full_at) == wrong_credentials.ADDRESSES_LIMIT


def test_a_key_is_in_no_table_log_or_answer(settings, hot_store, database, caplog):
    key = make_key(settings)
    wrong = key_text.make_key()
    with caplog.at_level(logging.DEBUG), serve(settings) as client:
        answers = [
            client.request(method, PROFILE, headers=bearer(text))
            for text in (key, wrong, key.text[:-1])
            for method in ("GET", "POST")
        ]
        answers.append(client.get(f"{PROFILE}?key={wrong}", headers=bearer(key)))
    logged = [record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    texts = " ".join([*(answer.text + str(answer.headers) for answer in answers), *logged])
    for secret in (key.text, wrong):
        assert secret not in texts and secret.removeprefix("at_") not in texts
        assert canary.places(database, hot_store, secret, secret.removeprefix("at_")) == []


def test_a_broken_statement_finds_no_key(settings):
    make_key(settings)
    with pool.open_app_pool(settings) as opened, opened.connection() as reader:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("SELECT count(*) FROM api_keys")
        assert reader.execute("SELECT count(*) AS found FROM find_api_key(NULL)").fetchone() == {"found": 0}


@pytest.mark.parametrize("credential", ["s3cret", "s3cre7", "s", "x" * 10_000])
def test_the_owners_key_is_compared_in_constant_time(settings, hot_store, monkeypatch, credential):
    compared, compare = [], hmac.compare_digest

    def comparing(one, other):
        compared.append((one, other))
        return compare(one, other)

    monkeypatch.setattr(hmac, "compare_digest", comparing)
    with serve(with_settings(settings, api_key="s3cret")) as client:
        client.get(PROFILE, headers=bearer(credential))
    assert compared == [(credential.encode(), b"s3cret")]


def test_what_a_person_may_have_chosen_can_be_guessed():
    assert not any(map(is_unguessable, ["s3cret", "my.secret.key", "eyJ.a.b", "at_short", "", "at_" + 42 * "x"]))
    assert is_unguessable(key_text.make_key())
    assert is_unguessable("eyJ" + 60 * "a" + "." + 40 * "b" + "." + 86 * "c")


def test_an_empty_owners_key_lets_nobody_in(settings, hot_store):
    with serve(with_settings(settings, api_key="")) as client:
        for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": "Basic x"}, {"Authorization": ""}):
            assert client.get(PROFILE, headers=headers).status_code == 401


def test_only_the_clock_of_the_database_decides_when_a_key_ends(settings, hot_store, monkeypatch):
    """The clock of the API's host is a day ahead, then a day behind."""
    key, short = make_key(settings, expires_in_seconds=3_600.0), make_key(settings, expires_in_seconds=1.0)
    real = time.time
    with serve(settings) as client:
        for shift in (86_400, -86_400):
            monkeypatch.setattr(time, "time", lambda shift=shift: real() + shift)
            assert client.get(PROFILE, headers=bearer(key)).status_code == 200
        time.sleep(1.1)
        assert client.get(PROFILE, headers=bearer(short)).status_code == 401
