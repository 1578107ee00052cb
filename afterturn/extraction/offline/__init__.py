"""The offline extractor: rules instead of a model, for use without an API key.

It parses first-person English statements, rewrites them in the third person, and ignores what it cannot parse.
"""

from __future__ import annotations

from afterturn.extraction.offline.extractor import OfflineExtractor

__all__ = ["OfflineExtractor"]
