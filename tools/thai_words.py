"""Write `afterturn/languages/data/thai.json` from the word lists of PyThaiNLP, which are in the public domain (CC0).

`python -m tools.thai_words FOLDER`: FOLDER is `pythainlp/corpus` of the package `pythainlp`.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

DATA = Path(__file__).parents[1] / "afterturn" / "languages" / "data" / "thai.json"
_WORD = re.compile("[\u0e01-\u0e4e]{2,20}")


def main() -> None:
    folder = Path(sys.argv[1])
    lists = {"words": _read(folder / "words_th.txt"), "stop_words": _read(folder / "stopwords_th.txt")}
    DATA.write_text(json.dumps(lists, ensure_ascii=False, indent=0) + "\n", "utf-8")


def _read(path: Path) -> list[str]:
    return sorted({word for word in path.read_text("utf-8-sig").split() if _WORD.fullmatch(word)})


if __name__ == "__main__":
    main()
