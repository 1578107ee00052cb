"""Who may do what: the principal, and the factory that every door gets its clients from."""

from itertools import product

import pytest

from afterturn import AsyncMemoryClient, MemoryClient
from afterturn.client import factory
from afterturn.errors import AccessDenied, Forbidden, InvalidId, InvalidInput
from afterturn.principal import ALL_RIGHTS, EveryUser, Principal, Right, UserPrefix
from afterturn.settings import Settings

SETTINGS = Settings(tenant="the server's")


def principal(users=None, rights=ALL_RIGHTS):
    return Principal(tenant_id="acme", users=EveryUser() if users is None else users, rights=frozenset(rights))


@pytest.mark.parametrize(
    ("users", "allowed", "refused"),
    [
        (EveryUser(), ["ana", "ben", "~"], []),
        (UserPrefix("acme-"), ["acme-", "acme-ana"], ["ana", "ACME-ana", "acme", " acme-ana"]),
        (frozenset({"ana", "ben"}), ["ana", "ben"], ["an", "anab", "Ana", ""]),
        (frozenset(), [], ["ana"]),
    ],
)
def test_it_may_touch_its_users_and_no_others(users, allowed, refused):
    caller = principal(users)
    for right, user_id in product(Right, allowed):
        caller.check(right, user_id)
    for right, user_id in product(Right, refused):
        with pytest.raises(Forbidden) as caught:
            caller.check(right, user_id)
        assert caught.value.code == "forbidden"


def test_no_right_includes_another():
    for owned, asked in product(Right, Right):
        caller = principal(rights={owned})
        if owned is asked:
            caller.check(asked, "ana")
        else:
            with pytest.raises(AccessDenied, match=asked):
                caller.check(asked, "ana")


def test_what_is_refused_names_nobody():
    with pytest.raises(Forbidden) as caught:
        principal(frozenset({"ana"})).check(Right.READ, "ben")
    assert "ana" not in str(caught.value) and "ben" not in str(caught.value)


@pytest.mark.parametrize("users", ["ana", ["ana"], {"ana"}, None])
def test_users_are_of_a_known_kind(users):
    with pytest.raises(InvalidInput, match="users"):
        Principal(tenant_id="acme", users=users, rights=ALL_RIGHTS)


def test_the_other_parts_are_checked_too():
    with pytest.raises(InvalidId, match="tenant_id"):
        Principal(tenant_id="", users=EveryUser(), rights=ALL_RIGHTS)
    with pytest.raises(InvalidId, match="prefix"):
        UserPrefix("")
    for rights in ({Right.READ}, frozenset({"fly"}), "read"):
        with pytest.raises(InvalidInput, match="rights"):
            Principal(tenant_id="acme", users=EveryUser(), rights=rights)


@pytest.mark.parametrize(
    ("open_client", "kind"), [(factory.open_client, MemoryClient), (factory.open_async_client, AsyncMemoryClient)]
)
def test_the_factory_gives_clients_of_the_principals_tenant(open_client, kind):
    memory = open_client(principal(), Right.WRITE, "ana", "chat", "concierge", settings=SETTINGS)
    assert type(memory) is kind
    scope = memory._session.scope
    assert (scope.tenant_id, scope.user_id, scope.session_id) == ("acme", "ana", "chat")
    assert memory._session.agent_id == "concierge"
    assert open_client(principal(), Right.READ, "ana", settings=SETTINGS)._session.scope.session_id == "default"
    reader = principal(UserPrefix("a"), {Right.READ})
    for right, user_id in ((Right.WRITE, "ana"), (Right.READ, "ben")):
        with pytest.raises(Forbidden):
            open_client(reader, right, user_id, settings=SETTINGS)
    with pytest.raises(InvalidId, match="user_id"):
        open_client(principal(), Right.READ, "", settings=SETTINGS)
