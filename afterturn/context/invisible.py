"""Remove characters that people do not see and models read: text can be hidden in them.

Some of them belong to visible text: joiners to Persian, to the scripts of India and to emoji, variation selectors to
emoji and to Mongolian. They are kept where such text needs them, one at a place, so that no row of them is a message.
"""

from __future__ import annotations

import re
import unicodedata

#: Format, control, private use and surrogates.
_INVISIBLE_CATEGORIES = {"Cc", "Cf", "Co", "Cs"}
#: Format characters that are visible: signs of Arabic, Syriac and Kaithi before or around digits.
_VISIBLE_FORMAT = re.compile("[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd]")
#: Invisible characters of other categories: variation selectors, fillers, and what Unicode keeps free for further ones.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u3164\ufdd0-\ufdef\ufe00-\ufe0f\uffa0\ufff0-\ufff8\ufffe\uffff"
    "\U000e0000-\U000e0fff]"
)
#: Braille without dots looks like a space.
_BLANK = "\u2800"
_JOINERS = "\u200c\u200d"
_ZERO_WIDTH_JOINER = "\u200d"
_STYLES = "\ufe0e\ufe0f"
_KEYCAP = "\u20e3"

#: Symbols that have an emoji and a text style, and emoji. Skin tones are among them.
_EMOJI = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u2300-\u23ff\u24c2\u25aa-\u25fe\u2600-\u27bf\u2934\u2935"
    "\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
_IS_EMOJI = re.compile(f"[{_EMOJI}]")
#: Letters and marks of scripts that are written with joiners: Arabic, Syriac, N'Ko, Mandaic; those of India, Sri Lanka,
#: Myanmar and Cambodia; Mongolian.
_IS_JOINING = re.compile(
    "[\u0620-\u065f\u066e-\u06d3\u06d5-\u06dc\u06df-\u06ef\u06fa-\u06ff\u0700-\u074f\u0750-\u077f\u07c0-\u07ff\u0840-\u085f"
    "\u0860-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u17b3\u17b6-\u17dd\u1820-\u18aa\ufb50-\ufdcf\ufe70-\ufefc"
    "\ua840-\ua877\ua8e0-\ua8ff]"
)
_IS_MONGOLIAN = re.compile("[\u1820-\u18aa]")
_MONGOLIAN_FORMS = "\u180b\u180c\u180d\u180e\u180f"
#: The flags of England, Scotland and Wales are written in tags. No other sequence of tags is shown by any font.
_FLAG = re.compile(
    "\U0001f3f4\U000e0067\U000e0062(?:\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063\U000e0074|\U000e0077\U000e006c"
    "\U000e0073)\U000e007f"
)


def remove_invisible(text: str) -> str:
    """Return `text` without invisible characters, apart from those that its visible characters need."""
    if text.isascii() and text.isprintable():
        return text
    pieces = []
    end = 0
    for flag in _FLAG.finditer(text):
        pieces += [_clean(text[end : flag.start()]), flag.group()]
        end = flag.end()
    return "".join([*pieces, _clean(text[end:])])


def _clean(text: str) -> str:
    kept: list[str] = []
    for place, character in enumerate(text):
        if character == _BLANK:
            kept.append(" ")
        elif not _is_invisible(character) or _is_needed(character, kept, text[place + 1 : place + 2]):
            kept.append(character)
    return "".join(kept)


def _is_invisible(character: str) -> bool:
    if unicodedata.category(character) in _INVISIBLE_CATEGORIES:
        return _VISIBLE_FORMAT.match(character) is None
    return _INVISIBLE.match(character) is not None


def _is_needed(character: str, kept: list[str], following: str) -> bool:
    """Return whether an invisible character changes how its neighbours look.

    Args:
        character: the invisible character.
        kept: the characters that were kept before it.
        following: the next character; empty at the end.
    """
    before = kept[-1] if kept else ""
    if character in _STYLES:
        is_keycap = before in tuple("0123456789#*") and following == _KEYCAP
        return is_keycap or _IS_EMOJI.match(before) is not None
    if character in _JOINERS and _IS_JOINING.match(before):
        return True
    if character == _ZERO_WIDTH_JOINER and _IS_EMOJI.match(following):
        return before == "\ufe0f" or _IS_EMOJI.match(before) is not None
    return character in _MONGOLIAN_FORMS and _IS_MONGOLIAN.match(before) is not None
