"""JSON web tokens: check one, and turn its claims into a caller."""

from __future__ import annotations

from typing import Any

import jwt

from afterturn import ids
from afterturn.access.caller import Caller
from afterturn.access.signing_keys import ALGORITHMS, SigningKeys
from afterturn.errors import InvalidInput
from afterturn.principal import EveryUser, Principal, Right
from afterturn.settings import Settings

#: How far the clocks of the issuer and of this machine may differ.
LEEWAY_SECONDS = 30
#: Tokens of identity providers have 1 to 4 KB.
SIZE_LIMIT_CHARACTERS = 16_384
#: A right in the claim that gives access to every user of the tenant. It is no value of the user claim, because users
#: may choose their own names.
EVERY_USER = "every_user"
#: What may stand before a right, so that scopes of several services are told apart.
RIGHT_PREFIX = "afterturn:"

_ALGORITHMS = frozenset(name for names in ALGORITHMS.values() for name in names)


class TokenReader:
    """Reads the tokens of the issuer that the settings name."""

    def __init__(self, settings: Settings) -> None:
        """Create it; nothing is fetched yet."""
        assert settings.jwt_jwks_url is not None
        self._settings = settings
        self._keys = SigningKeys(settings.jwt_jwks_url)

    async def read(self, token: str) -> Caller | None:
        """Return the caller of a token; None if it is not valid.

        Raises SigningKeysUnavailable if its signature cannot be checked.
        """
        claims = await self._verify(token)
        if claims is None:
            return None
        try:
            return self._make_caller(claims)
        except InvalidInput:
            return None

    def close(self) -> None:
        """End a request for keys that is running."""
        self._keys.close()

    async def _verify(self, token: str) -> dict[str, Any] | None:
        """Return the claims of a token whose signature, issuer, audience and times are right."""
        if len(token) > SIZE_LIMIT_CHARACTERS:
            return None
        try:
            header = jwt.get_unverified_header(token)
            algorithm, key_id = header.get("alg"), header.get("kid")
            if not isinstance(algorithm, str) or algorithm not in _ALGORITHMS or not isinstance(key_id, str | None):
                return None
            key = await self._keys.find(key_id, algorithm)
            if key is None:
                return None
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self._settings.jwt_audience,
                issuer=self._settings.jwt_issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud"], "enforce_minimum_key_length": True},
            )
        # A document that is nested thousands of times is refused like any other that is no token.
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            return None
        return claims

    def _make_caller(self, claims: dict[str, Any]) -> Caller:
        """Return the caller of checked claims. Raises InvalidInput if one has not the form that it must have."""
        settings = self._settings
        granted = {name.removeprefix(RIGHT_PREFIX) for name in _words(_claim(claims, settings.jwt_rights_claim))}
        named = frozenset(_ids(_claim(claims, settings.jwt_user_claim)))
        tenant = settings.tenant
        if settings.jwt_tenant_claim is not None:
            tenant = ids.validate_id("tenant", _claim(claims, settings.jwt_tenant_claim))
        return Caller(
            principal=Principal(
                tenant_id=tenant,
                users=EveryUser() if EVERY_USER in granted else named,
                rights=frozenset(right for right in Right if right in granted),
            ),
            kind="token",
            name=next(iter(named)) if len(named) == 1 else _subject(claims),
        )


def _claim(claims: dict[str, Any], name: str) -> Any:
    """Return a claim by its name, or by its path: `realm_access.roles`."""
    if name in claims:
        return claims[name]
    value: Any = claims
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _words(value: Any) -> list[str]:
    """Return the words of a claim that is a list, or a text with spaces."""
    if isinstance(value, str):
        return value.split()
    return [word for word in value if isinstance(word, str)] if isinstance(value, list) else []


def _ids(value: Any) -> list[str]:
    """Return the ids of a claim that is an id or a list of them. Raises InvalidInput."""
    named = value if isinstance(value, list) else [] if value is None else [value]
    return [ids.validate_id("the user of a token", one) for one in named]


def _subject(claims: dict[str, Any]) -> str | None:
    subject = claims.get("sub")
    return None if subject is None else ids.validate_id("the subject of a token", subject)
