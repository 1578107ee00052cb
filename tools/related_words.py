"""Write the data of `afterturn/languages/related_words.py` from CLDR and from `tools/everyday_words`.

`python -m tools.related_words FOLDER`: FOLDER is `annotations` of the npm package `cldr-annotations-full`, which holds
for each language the words that describe each emoji. CLDR describes things; `tools/everyday_words` has a line for each
topic of everyday life in the languages that somebody has written them for. The words of spaced languages are stemmed,
as Postgres stems those of a question.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import snowballstemmer

from afterturn.languages import configurations, segmentation, stop_words

#: Where the data are.
DATA = Path(__file__).parents[1] / "afterturn" / "languages" / "data" / "related"
#: A file of lines for each language: the words of a line are related.
EVERYDAY_WORDS = Path(__file__).parent / "everyday_words"
#: Languages without a stemmer whose words are kept as they are.
UNSTEMMED = ("zh", "ja", "ko", "th", "pl", "uk", "cs", "vi", "fa", "he")
#: A word of more emojis than this describes none of them: "face", "person".
MOST_GROUPS = 60


def main() -> None:
    [folder] = sys.argv[1:]
    DATA.mkdir(parents=True, exist_ok=True)
    for language in sorted({*configurations.CONFIGURATIONS, *UNSTEMMED}):
        path = Path(folder) / language / "annotations.json"
        if path.is_file():
            groups = sorted([*related(json.loads(path.read_text("utf-8")), language), *_everyday(language)])
            lines = ",\n".join(json.dumps(group, ensure_ascii=False) for group in groups)
            (DATA / f"{language}.json").write_text(f"[\n{lines}\n]\n", "utf-8")
            print(language, len(groups))


def related(annotations: dict[str, dict[str, dict[str, dict[str, list[str]]]]], language: str) -> list[list[str]]:
    """Return groups of related words, each once: the words of one emoji, without those of many."""
    described = annotations["annotations"]["annotations"]
    groups = [_words(entry, language) for sign, entry in described.items() if not sign.isascii()]
    counts = Counter(word for group in groups for word in group)
    kept = {tuple(sorted(word for word in group if counts[word] <= MOST_GROUPS)) for group in groups}
    return [list(group) for group in sorted(kept) if len(group) > 1]


def _words(entry: dict[str, list[str]], language: str) -> set[str]:
    """Return the single words that describe an emoji."""
    given = (segmentation.normalize(word.casefold()) for kind in ("default", "tts") for word in entry.get(kind, ()))
    return _stems({word for word in given if " " not in word and segmentation.has_letters(word)}, language)


def _everyday(language: str) -> list[list[str]]:
    """Return the groups of everyday words of a language, without its stop words."""
    path = EVERYDAY_WORDS / f"{language}.txt"
    lines = segmentation.normalize(path.read_text("utf-8")).casefold().splitlines() if path.is_file() else []
    groups = [_stems(set(line.split()) - stop_words.of_language(language), language) for line in lines]
    return [sorted(group) for group in groups if len(group) > 1]


def _stems(words: set[str], language: str) -> set[str]:
    if language not in configurations.CONFIGURATIONS:
        return words
    stemmer = snowballstemmer.stemmer(configurations.of_language(language))
    return set(stemmer.stemWords(sorted(words)))


if __name__ == "__main__":
    main()
