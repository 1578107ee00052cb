"""The public keys of the issuer of tokens (JWKS): fetched in a thread, kept, and fetched again when one is missing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import jwt
from jwt import PyJWK, PyJWKClient

from afterturn.access.fresh_value import FreshValue
from afterturn.errors import SigningKeysUnavailable

#: Longer: a key that the issuer withdraws is used longer. Shorter: more requests to the issuer.
FRESH_SECONDS = 600.0
#: How long the last keys are used while the issuer does not answer.
OUTAGE_SECONDS = 3_600.0
#: The shortest time between two requests for keys that tokens name and nobody knows: anybody can name one.
PAUSE_SECONDS = 30.0
#: How long the issuer may take.
TIMEOUT_SECONDS = 5.0

#: Only algorithms with a public key, by the type of the key. With a symmetric one the public key would be the secret.
ALGORITHMS = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "EC": ("ES256", "ES384", "ES512"),
    "OKP": ("EdDSA",),
}


class SigningKeys:
    """The signing keys of one issuer."""

    def __init__(self, url: str) -> None:
        self._client = PyJWKClient(url, cache_jwk_set=False, timeout=TIMEOUT_SECONDS)
        self._set: FreshValue[Sequence[dict[str, Any]]] = FreshValue(
            self._fetch, fresh_seconds=FRESH_SECONDS, outage_seconds=OUTAGE_SECONDS
        )
        #: When keys were last fetched because of an unknown id, by time.monotonic(), and whether that failed.
        self._searched_at = float("-inf")
        self._has_failed = False

    async def find(self, key_id: str | None, algorithm: str) -> PyJWK | None:
        """Return the key with this id for this algorithm; None if the issuer has none.

        Raises SigningKeysUnavailable if the issuer does not answer and the key is not known.
        """
        found = _select(await self._set.get(), key_id, algorithm)
        if found is not None:
            return found
        return _select(await self._search(), key_id, algorithm)

    def close(self) -> None:
        """End a request that is running."""
        self._set.close()

    async def _search(self) -> Sequence[dict[str, Any]]:
        """Fetch the keys again, unless that was done lately. Raises SigningKeysUnavailable."""
        now = time.monotonic()
        if self._set.is_reading or now - self._searched_at >= PAUSE_SECONDS:
            self._searched_at, self._has_failed = now, True
            keys = await self._set.read_again()
            self._has_failed = False
            return keys
        if self._has_failed:
            raise SigningKeysUnavailable
        return await self._set.get()

    async def _fetch(self) -> Sequence[dict[str, Any]]:
        try:
            async with asyncio.timeout(2 * TIMEOUT_SECONDS):
                document = await asyncio.to_thread(self._client.fetch_data)
        except (jwt.PyJWTError, OSError, ValueError, TimeoutError) as error:
            raise SigningKeysUnavailable(
                f"the signing keys (AFTERTURN_JWT_JWKS_URL) cannot be fetched: {type(error).__name__}"
            ) from error
        keys = document.get("keys")
        return [key for key in keys if isinstance(key, dict)] if isinstance(keys, list) else []


def _select(keys: Sequence[dict[str, Any]], key_id: str | None, algorithm: str) -> PyJWK | None:
    """Return the key that a token names; without a name, the only one of the issuer for this algorithm."""
    fitting = [key for key in keys if _fits(key, algorithm) and key_id in (None, key.get("kid"))]
    if not fitting or (key_id is None and len(fitting) > 1):
        return None
    try:
        return PyJWK(fitting[0], algorithm)
    except jwt.PyJWTError:
        return None


def _fits(key: dict[str, Any], algorithm: str) -> bool:
    """Return whether a key is for signatures of this algorithm."""
    return (
        algorithm in ALGORITHMS.get(str(key.get("kty")), ())
        and key.get("alg") in (None, algorithm)
        and key.get("use") in (None, "sig")
    )
