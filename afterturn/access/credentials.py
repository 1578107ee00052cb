"""Turn a credential into a caller: the one way in for every door.

A credential is AFTERTURN_API_KEY, a key of the database, or a JWT. Without any, requests of this machine need none.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from afterturn import extras
from afterturn.access import key_text, network
from afterturn.access.caller import Caller
from afterturn.access.fresh_value import FreshValue
from afterturn.access.key_cache import KeyCache, OpenPool
from afterturn.database import pool, queries
from afterturn.errors import MemoryUnavailable, Unauthorized
from afterturn.principal import ALL_RIGHTS, EveryUser, Principal
from afterturn.settings import Settings

if TYPE_CHECKING:
    from afterturn.access.tokens import TokenReader

_SQL = queries.load("api_keys")

#: A token is longer: its signature alone has 86 characters or more. A key that a person chose is not.
_TOKEN_CHARACTERS = 120
#: No text of a wrong credential says more: who has found an old key must not learn that it was one.
_WRONG = "the credential is wrong, has expired or is revoked"
_MISSING = "the request needs the header `Authorization: Bearer <key>`; `afterturn keys create` makes a key"


def is_unguessable(credential: str) -> bool:
    """Return whether a credential has the form of a key or a token: those cannot be guessed."""
    is_token = credential.startswith("eyJ") and credential.count(".") == 2 and len(credential) >= _TOKEN_CHARACTERS
    return key_text.is_key(credential) or is_token


class Credentials:
    """The credentials of a server, for one event loop."""

    def __init__(self, settings: Settings, open_pool: OpenPool) -> None:
        """Create it; nothing is read yet.

        Args:
            settings: the owner's key, the settings of tokens, where the API listens.
            open_pool: returns the pool with the reader's role.
        """
        self._settings = settings
        self._open_pool = open_pool
        self._keys = KeyCache(open_pool)
        self._tokens = _make_token_reader(settings)
        self._keys_in_database = FreshValue(self._ask_for_keys)
        everything = Principal(tenant_id=settings.tenant, users=EveryUser(), rights=ALL_RIGHTS)
        self._owner = Caller(principal=everything, kind="owner")
        self._open = Caller(principal=everything, kind="open")

    async def resolve(self, credential: str | None, *, local_address: str | None = None) -> Caller:
        """Return who calls with this credential.

        Args:
            credential: a key or a token, without `Bearer`; None: the request has none.
            local_address: the address of this machine at which the request arrived, if known.

        Raises Unauthorized; MemoryUnavailable if Postgres must be asked and does not answer; SigningKeysUnavailable if
        a token cannot be checked.
        """
        if not await self.are_required(local_address):
            # Clients of OpenAI's API always send a key, whatever it is.
            return self._open
        if credential is None:
            raise Unauthorized(_MISSING)
        caller = await self._find(credential)
        if caller is None:
            raise Unauthorized(_WRONG)
        return caller

    async def are_required(self, local_address: str | None = None) -> bool:
        """Return whether each request needs a credential.

        It does if one is configured, if a key exists or ever existed, and if other machines can send requests. Raises
        MemoryUnavailable if that depends on keys, and Postgres has not answered yet.
        """
        is_here = network.is_loopback(self._settings.api_host) and network.may_be_loopback(local_address)
        return self._settings.has_credential or not is_here or await self._keys_exist()

    async def _find(self, credential: str) -> Caller | None:
        if self._is_owners(credential):
            return self._owner
        if key_text.is_key(credential):
            return await self._keys.find(credential)
        return None if self._tokens is None else await self._tokens.read(credential)

    def _is_owners(self, credential: str) -> bool:
        key = self._settings.api_key
        if key is None or not credential:
            return False
        given, wanted = (text.encode(errors="surrogatepass") for text in (credential, key.get_secret_value()))
        return hmac.compare_digest(given, wanted)

    async def _keys_exist(self) -> bool:
        """Return whether a key exists, also one that is revoked or expired: a revoked last key opens nothing."""
        try:
            return await self._keys_in_database.get()
        except MemoryUnavailable as error:
            raise MemoryUnavailable(
                f"{error}. It is not known whether keys exist, so that requests without a credential are refused"
            ) from error

    async def _ask_for_keys(self) -> bool:
        async with pool.async_tenantless_connection(await self._open_pool()) as connection:
            row = await (await connection.execute(_SQL["has_keys"])).fetchone()
        return bool(row and row["has_keys"])

    def close(self) -> None:
        """End the queries that are running."""
        self._keys.close()
        self._keys_in_database.close()
        if self._tokens is not None:
            self._tokens.close()


def _make_token_reader(settings: Settings) -> TokenReader | None:
    """Return the reader of tokens, if the settings name an issuer. Raises MissingExtra."""
    if settings.jwt_jwks_url is None:
        return None
    extras.require("http", "checking tokens (AFTERTURN_JWT_JWKS_URL)")
    from afterturn.access.tokens import TokenReader

    return TokenReader(settings)
