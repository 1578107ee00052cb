"""Content codings of answers: afterturn reads a copy of an answer, so it asks only for codings that it can read."""

from __future__ import annotations

import zlib
from typing import Protocol

#: What the standard library decodes.
READABLE = frozenset({"gzip", "x-gzip", "deflate", "identity"})


class Decoder(Protocol):
    """Decodes an answer part by part."""

    def decompress(self, data: bytes, /) -> bytes: ...


class _Identity:
    def decompress(self, data: bytes, /) -> bytes:
        return data


class _Deflate:
    """Deflate with the wrapper of zlib, as the standard says, or without, as some servers send it."""

    def __init__(self) -> None:
        self._decoder = zlib.decompressobj()
        self._is_at_start = True

    def decompress(self, data: bytes, /) -> bytes:
        is_at_start, self._is_at_start = self._is_at_start, False
        try:
            return self._decoder.decompress(data)
        except zlib.error:
            if not is_at_start:
                raise
            self._decoder = zlib.decompressobj(-zlib.MAX_WBITS)
            return self._decoder.decompress(data)


def make_decoder(coding: str) -> Decoder | None:
    """Return the decoder of a Content-Encoding, or None if there is none."""
    match coding.strip().lower():
        case "" | "identity":
            return _Identity()
        case "gzip" | "x-gzip":
            return zlib.decompressobj(16 + zlib.MAX_WBITS)
        case "deflate":
            return _Deflate()
    return None


def keep_readable(accepted: str) -> str:
    """Return an Accept-Encoding without the codings that cannot be read."""
    kept = [item.strip() for item in accepted.split(",") if item.partition(";")[0].strip().lower() in READABLE]
    return ", ".join(kept) or "identity"
