"""The offline extractor: rules instead of a model, for when no key is set.

It reads first-person English statements, says them in the third person, and leaves out what it does not understand.
"""

from __future__ import annotations

from afterturn.extraction.offline.extractor import OfflineExtractor

__all__ = ["OfflineExtractor"]
