"""The language model of `py3langid`, unpacked once and mapped into memory by every process afterwards.

The library's file is compressed: to unpack it takes more than half a second of each process that starts, and each would
have a copy of the table in its memory. The unpacked model is kept in the user's cache directory, by default
`~/.cache/afterturn`. Whoever has none, or one that cannot be written, unpacks the model each time.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

#: The name of the variable that names the directory of all caches of a user (XDG Base Directory Specification).
CACHE_HOME = "XDG_CACHE_HOME"
_TABLE, _STATES, _REST = "table.npy", "states.npy", "rest.npz"


def load(languages: Sequence[str]) -> LanguageIdentifier:
    """Return the library's classifier for those of the languages that it knows."""
    with suppress(OSError, ValueError, KeyError, EOFError, RuntimeError, BadZipFile):
        return _read(directory(languages))
    identifier = _unpack(languages)
    with suppress(OSError, RuntimeError):
        _write(directory(languages), identifier)
    return identifier


def directory(languages: Sequence[str]) -> Path:
    """Return where the unpacked model of these languages is kept. Raises RuntimeError for a user without a home."""
    caches = Path(os.environ.get(CACHE_HOME) or Path.home() / ".cache")
    version = importlib.metadata.version("py3langid")
    digest = hashlib.sha256(" ".join(languages).encode()).hexdigest()[:16]
    return caches / "afterturn" / f"languages-{version}-{digest}"


def _unpack(languages: Sequence[str]) -> LanguageIdentifier:
    import numpy
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=False)
    identifier.set_languages(sorted(set(languages) & set(identifier.nb_classes)))
    # Each text takes some hundred rows of this table. It has half-precision numbers, column by column.
    identifier.nb_ptc = numpy.ascontiguousarray(identifier.nb_ptc, dtype=numpy.float32)
    return identifier


def _read(kept: Path) -> LanguageIdentifier:
    import numpy
    from py3langid.langid import LanguageIdentifier

    table, states = (numpy.load(kept / name, mmap_mode="r", allow_pickle=False) for name in (_TABLE, _STATES))
    with (kept / _REST).open("rb") as file, numpy.load(file, allow_pickle=False) as rest:
        return LanguageIdentifier(
            numpy.asarray(table),
            rest["class_weights"],
            rest["classes"].tolist(),
            memoryview(states),
            rest["features"].tolist(),
            tk_row=rest["rows"].tolist(),
        )


def _write(kept: Path, identifier: LanguageIdentifier) -> None:
    """Write the files and only then give the directory its name, so that nobody reads a part of them."""
    import numpy

    kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = Path(tempfile.mkdtemp(dir=kept.parent))
    try:
        numpy.save(written / _TABLE, identifier.nb_ptc)
        numpy.save(written / _STATES, numpy.asarray(identifier.tk_nextmove))
        numpy.savez(
            written / _REST,
            class_weights=identifier.nb_pc,
            classes=numpy.array(identifier.nb_classes),
            rows=numpy.asarray(identifier.tk_row),
            features=numpy.asarray(identifier.tk_output, dtype=numpy.int32),
        )
        # What was there could not be read.
        shutil.rmtree(kept, ignore_errors=True)
        written.rename(kept)
    finally:
        shutil.rmtree(written, ignore_errors=True)
