"""Regular expressions for what stands between the name of a secret and its value, and for the value itself.

All of them are matched from the end of the name, and within a few hundred characters: they cost little in any text.
"""

from __future__ import annotations

import re

from afterturn.redaction.expressions import Expression
from afterturn.redaction.word_lists import (
    BEFORE_SECOND_VALUE,
    BEFORE_VALUE,
    BREAKS,
    FILLERS,
    IS,
    IS_WITHOUT_SPACES,
    IT_IS,
    NUMBER_WORDS,
    OF,
    UNITS,
)

#: Where a word of these lists ends. The "e" of "e-mail" is no word.
_WORD_END = r"(?!\w|-\w)"
_VERB = rf"(?<!\w)(?:{IS}){_WORD_END}"
#: Words between a name and its value: "password for the bank".
_GAP_WORDS = rf"(?!(?<!\w)(?:{IS}|{BREAKS}){_WORD_END})[^.!?;:=\n\"\u201c\u201e\u00ab\u300c"
_GAP = rf"(?:{_GAP_WORDS},]){{0,60}}?"
_GAP_WITH_COMMA = rf"(?:{_GAP_WORDS}]){{0,60}}?"

#: Before plain words only a phrase that says what the secret is for: other words make a compound, "password storage:".
_PURPOSE = rf"(?:(?=\s?\(|\s(?:{OF})\s|\s?[^\x00-\x7f]){_GAP})?"

_COLON = r"(?:[:\uff1a=\uff1d]\*{0,2})"
_MARK = rf"{_COLON}|->|=>|\u2192|\|"
_VERB_WITHOUT_SPACES = rf"(?:{IS_WITHOUT_SPACES})\s{{0,3}}(?:[:\uff1a]\s{{0,3}})?"
_LINK = (
    rf"(?:\s{{0,3}}(?:{_MARK})\s{{0,3}}|['\u2019]s\s{{1,3}}|\s{{1,3}}[\u2014\u2013-]\s{{1,3}}(?:\u044d\u0442\u043e\s)?"
    rf"|\s{{0,3}}\(?{_VERB}(?:\s{{0,3}}[:\uff1a])?\s{{1,3}}(?:(?:{FILLERS})\s{{1,3}}){{0,2}}"
    rf"|\s{{0,2}}{_VERB_WITHOUT_SPACES})"
)
#: Whether there is any link near a name. It is quick, and rules out most names.
LINK = Expression(rf"{_MARK}|['\u2019]s\s|[\u2014\u2013-]\s|{_VERB}|{_VERB_WITHOUT_SPACES}", re.IGNORECASE)

_QUOTED = (
    "(?:\"([^\"\n]{3,128})\"|'([^'\n]{3,128})'|`([^`\n]{3,128})`|\u201c([^\u201d\n]{3,128})\u201d|\u2018([^\u2019\n]{3,128})"
    "\u2019|\u201e([^\u201c\u201d\n]{3,128})[\u201c\u201d]|\u00ab([^\u00bb\n]{3,128})\u00bb|\u300c([^\u300d\n]{2,128})\u300d"
    "|\u300e([^\u300f\n]{2,128})\u300f)"
)
_NO_TOKEN = r"\s\"'`\u201c\u201d\u201e\u00ab\u00bb\u300c\u300d<>\u3002\uff0c\u3001\uff01\uff1f\u0964"
_TOKEN = rf"[\"'`\u201c(]?(?P<value>[^{_NO_TOKEN}]{{3,256}})"

QUOTE = Expression("[\"'`\u2018\u201c\u201e\u00ab\u300c\u300e]")
#: A value in quotes; the group of the quotes that matched.
AFTER_QUOTED = Expression(rf"(?:{_GAP}(?:{_LINK})|\s{{1,3}}){_QUOTED}", re.IGNORECASE)
#: One word after a mark or a verb.
AFTER_LINK = Expression(rf"{_GAP_WITH_COMMA}{_LINK}{_TOKEN}", re.IGNORECASE)
#: One word beside the name.
ADJACENT = Expression(rf"(?:[)\]]?[ \t]{{1,3}}|(?<=[^\x00-\x7f]))(?:\([^()\n]{{1,40}}\)\s{{0,3}})?{_TOKEN}")
#: "changed my password from … to …".
AFTER_TO = Expression(
    rf"\s{{1,3}}(?:{BEFORE_VALUE})\s{{1,3}}{_TOKEN}(?P<second>\s(?:{BEFORE_SECOND_VALUE})\s[^\s\"'`]{{4,128}})?",
    re.IGNORECASE,
)
#: "Password for the bank? It's …", and the question mark of it.
AFTER_QUESTION = Expression(
    rf"{_GAP_WITH_COMMA}\s?[?\uff1f\u061f]\s{{0,3}}(?:{IT_IS}\s{{1,3}}(?:(?:{FILLERS})\s{{1,3}})?)?{_TOKEN}",
    re.IGNORECASE,
)
QUESTION_MARK = Expression(r"[?\uff1f\u061f]")
#: Words after a verb, and words after a mark.
AFTER_VERB = Expression(rf"{_PURPOSE}(?:\s{{1,3}}{_VERB}\s{{1,3}}|['\u2019]s\s{{1,3}})(?P<words>\S.*)", re.IGNORECASE)
AFTER_COLON = Expression(
    rf"{_PURPOSE}(?:[ \t]{{0,3}}{_COLON}[ \t]{{0,3}}|\s{{1,3}}{_VERB}\s{{0,3}}[:\uff1a]\s{{1,3}})"
    r"(?P<words>[^\n]{3,200})",
    re.IGNORECASE,
)
#: Where the words of a value end.
END_OF_WORDS = Expression(r"[.,;!?\n)\u3002\uff0c\uff01\uff1f\u3001\u0964\u060c\u061f]|\s[-\u2013\u2014]\s|$")

CODE = Expression(
    rf"(?:{_GAP_WITH_COMMA}{_LINK}|(?:\s\w{{1,20}}){{0,2}}?[ \t]{{1,3}}|[ \t]{{0,2}})"
    r"(?P<value>#?(?<!\w)(?:[A-Z]{1,2}-)?(?:\d{2,4}(?:[ -]\d{2,4}){1,4}|[A-Z0-9]{2,8}(?:-[A-Z0-9]{2,8}){0,6})[#*]?"
    r"(?:[ ,]{1,2}[A-Z0-9]{4,8}-[A-Z0-9]{4,8}){0,20})(?![.:]\w|[A-Z0-9])",
    re.IGNORECASE,
)
PIN = Expression(
    rf"(?:{_GAP_WITH_COMMA}{_LINK}|[ \t]{{0,3}})"
    rf"(?P<value>(?<![\d.])\d(?:[ -]?\d){{2,11}}(?![\d%]|[.,]\d)|{NUMBER_WORDS}(?:[ -]{NUMBER_WORDS}){{2,11}})",
    re.IGNORECASE,
)
NUMBER = Expression(rf"{_GAP}(?:{_LINK}|\s{{1,3}})(?P<value>\d(?:[ -]?\d){{5,20}})", re.IGNORECASE)
#: A user name and a password.
PAIR = Expression(
    rf"{_GAP_WITH_COMMA}{_LINK}(?P<value>[\w.@+-]{{2,64}}\s{{0,2}}[/|:,]\s{{0,2}}[^\s,;]{{4,128}})", re.IGNORECASE
)
#: The words of a recovery phrase, numbered or not.
WORD_LIST = Expression(
    rf"{_GAP}{_LINK}[\"'`\u201c\u00ab]?(?P<value>\w+(?:[ \n,]{{1,2}}(?:\d{{1,2}}[.)] ?)?\w+){{5,24}})", re.IGNORECASE
)
UNIT = Expression(rf"\s{{0,3}}{UNITS}(?!\w)", re.IGNORECASE)
_TO_LOG_IN = r"\sto (?:log|sign|verify|confirm|unlock|open)"
#: "Use 338821 to log in."
USED_CODE = Expression(rf"\b(?:use|enter|type)\s(?P<value>\d{{3,4}}[ -]?\d{{1,4}}){_TO_LOG_IN}", re.IGNORECASE)
#: How each of them ends. Digits are rare: this is the quicker search.
END_OF_USED_CODE = Expression(rf"\d{_TO_LOG_IN}", re.IGNORECASE)
#: Where "pass", "key" and "clave" mean a password.
PASSWORD_HERE = Expression(r"\bpass$|\bclave$|\b(?:ssid|wi-?fi|wlan|router)\b", re.IGNORECASE)
