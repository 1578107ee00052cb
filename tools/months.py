"""Write the names of the months by language from CLDR: `python -m tools.months`."""

from __future__ import annotations

import json
from pathlib import Path

from babel import Locale

from afterturn.languages import configurations

DATA = Path(__file__).parents[1] / "afterturn" / "languages" / "data" / "months.json"
#: Languages without a stemmer.
OTHERS = ("th", "pl", "uk", "cs", "vi", "fa", "he", "bg", "sk", "sl", "hr", "lv", "et")
#: A shorter name is a word of its own in many languages.
_SHORTEST = 3


def main() -> None:
    months = {language: _months(language) for language in sorted({*configurations.CONFIGURATIONS, *OTHERS})}
    DATA.write_text(json.dumps(months, ensure_ascii=False, indent=1) + "\n", "utf-8")


def _months(language: str) -> dict[str, int]:
    """Return the names, in the forms of a date and of their own, with the numbers 1 to 12."""
    names = Locale.parse(language).months
    return {
        name.casefold(): number
        for form in ("format", "stand-alone")
        for number, name in names[form]["wide"].items()
        if len(name) >= _SHORTEST and not any(character.isdigit() for character in name)
    }


if __name__ == "__main__":
    main()
