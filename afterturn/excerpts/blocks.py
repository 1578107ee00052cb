"""Find what is no prose in a message: code, tables, logs, mails, quotations, data, JSON, markup, formulas.

A block is a run of lines. Nothing here depends on a language but the names of the headers of mails. In case of doubt a
line is prose. Each text is read once from its beginning to its end.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from itertools import accumulate

from afterturn.excerpts.spans import FORMULA, Block

#: A mathematical formula has at most this many lines.
_FORMULA_LINES = 40
_MOST_BLANK_LINES = 2
#: Only so many lines are tried as the beginning of JSON.
_MOST_JSON_TRIALS = 20
_SHORTEST_JSON_CHARACTERS = 80
#: The header of a mail lies within so many lines.
_HEADER_LINES = 6

_DATA = re.compile(r"[ \t]*[A-Za-z0-9+/=_-]{60,}[ \t]*$")
_LONG_DATA_CHARACTERS = 200
_LONG_DATA = re.compile(rf"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/=_-]{{{_LONG_DATA_CHARACTERS},}}")
_QUOTE = re.compile(r"[ \t]*>")
_MARKUP = re.compile(r"[ \t]*</?[A-Za-z!?][^>]*>")
_LEVEL = re.compile(r"\b(?:DEBUG|INFO|WARN|WARNING|ERROR|FATAL|CRITICAL|TRACE|SEVERE)\b|\[(?:debug|info|warn|error)\]")
_CLOCK = re.compile(r"\d{1,2}:\d\d:\d\d")
_TECHNICAL = re.compile(r"\d+\.\d+\.\d+\.\d+|\w=[\w\"'/]|\w\[\d+\]|\w\.\w+\.\w|://|0x[0-9a-f]{2}")
_TRACE = re.compile(
    r"[ \t]+(?:at [\w$.<>]+\(|File \"[^\"]+\", line \d)|Traceback \(|[\w.]*(?:Error|Exception)(?::|$)|Caused by: "
)
_STATEMENT = re.compile(
    r"[ \t]*(?:(?:def|class|async def|function|func|fn|public|private|protected|static|const|let|var|import|from|return"
    r"|package|namespace|using|struct|enum|interface|if|elif|else|for|while|try|except|catch|finally|switch|case)"
    r"\b(?=.*[(){};:=*,])|(?:SELECT|INSERT|UPDATE|DELETE|CREATE|FROM|WHERE|JOIN|GROUP BY|ORDER BY|VALUES)\b"
    r"|#include\b|@\w+|\$\w+|//|/\*|<\?php|#!)|[ \t]+(?:return|break|continue|pass|raise|yield|end)\b"
)
_CODE_ENDS = ("{", "}", ";", "(", ")", "):", "=>", "\\")
_CALL = re.compile(r"[\w\])]\(|\w [-+*/|&]?= |\w\.\w+\(|[=!<>]=|->|::|&&|\|\|")
_HEADER_LIST = (
    "from|to|cc|bcc|subject|date|sent|reply-to|von|an|betreff|datum|gesendet|de|para|asunto|fecha|enviado|assunto|data"
    "|от|кому|тема|дата|отправлено|kimden|kime|konu|tarih|gönderen|من|إلى|الموضوع|التاريخ|प्रेषक|प्रति|विषय|दिनांक"
    "|보낸 사람|받는 사람|제목|날짜|差出人|宛先|件名|日時|送信日時|发件人|收件人|主题|日期|發件人|主旨"
    "|จาก|ถึง|เรื่อง|วันที่"
)
_HEADER = re.compile(rf"[ \t>*]*(?:{_HEADER_LIST})[ \t*]*[:\uff1a]", re.IGNORECASE)
_FORWARDED = re.compile(r"[ \t]*-{3,}[ \t]*\w[^\n]{0,60}-{3,}[ \t]*$")

#: A run of a kind has at least so many lines, and at least such a share of them has its form.
_RUNS: tuple[tuple[str, int, float, Callable[[str], bool]], ...] = (
    ("data", 3, 1.0, lambda line: _DATA.match(line) is not None),
    ("quote", 3, 1.0, lambda line: _QUOTE.match(line) is not None),
    ("table", 3, 1.0, lambda line: line.count("|") > 1 or line.strip().count("\t") > 1),
    ("log", 3, 0.6, lambda line: _is_of_log(line)),
    ("markup", 4, 0.7, lambda line: _MARKUP.match(line) is not None),
    ("code", 5, 0.6, lambda line: _is_of_code(line)),
)


def find_blocks(text: str) -> list[Block]:
    """Return the blocks of a text, in order; they do not overlap."""
    return _Lines(text).find_blocks()


class _Lines:
    """The lines of a text. Ranges of lines are given as the first one and the one after the last."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = text.split("\n")
        self._starts = list(accumulate((len(line) + 1 for line in self._lines), initial=0))
        self._json_trials = _MOST_JSON_TRIALS
        #: The next closing mark of a formula, by mark; the length of the text if there is none.
        self._closings: dict[str, int] = {}

    def find_blocks(self) -> list[Block]:
        blocks: list[Block] = []
        prose_from = 0
        for first, end, kind in (*self._find_marked(), (len(self._lines), len(self._lines), "")):
            blocks += self._find_runs(prose_from, first)
            if kind:
                blocks.append(self._block(first, end, kind))
            prose_from = end
        return blocks

    def _block(self, first: int, end: int, kind: str) -> Block:
        return Block(self._starts[first], self._starts[end] - 1, kind)

    def _find_marked(self) -> list[tuple[int, int, str]]:
        """Return the ranges of the blocks whose beginning marks them, with their kinds."""
        found: list[tuple[int, int, str]] = []
        number = 0
        while number < len(self._lines):
            end, kind = self._marked_block(number) if self._lines[number] else (number, "")
            if end > number:
                found.append((number, end, kind))
            number = max(end, number + 1)
        return found

    def _marked_block(self, number: int) -> tuple[int, str]:
        """Return the line after the block that begins in a line, and its kind; the line itself if none begins."""
        line = self._lines[number].lstrip()
        if line.startswith(("```", "~~~")):
            return self._end_of_fence(number, line[:3]), "code"
        if line.startswith(("\\[", "$$")):
            return self._end_of_formula(number, line[:2]), FORMULA
        if self._json_trials and line.startswith(("{", "[")):
            return self._end_of_json(number), "json"
        return (len(self._lines) if self._starts_mail(number) else number), "mail"

    def _end_of_fence(self, first: int, fence: str) -> int:
        for number in range(first + 1, len(self._lines)):
            if self._lines[number].lstrip().startswith(fence):
                return number + 1
        return len(self._lines)

    def _end_of_formula(self, first: int, opening: str) -> int:
        closing = "\\]" if opening == "\\[" else "$$"
        begin = self._text.index(opening, self._starts[first]) + 2
        place = self._closings.get(closing, -1)
        if place < begin:
            place = self._text.find(closing, begin)
            place = self._closings[closing] = len(self._text) if place < 0 else place
        end = bisect_right(self._starts, place, first)
        return end if end <= min(first + _FORMULA_LINES, len(self._lines)) else first

    def _end_of_json(self, first: int) -> int:
        """Return the line after an object or a list of JSON that begins in a line and is not short."""
        self._json_trials -= 1
        start = self._starts[first] + len(self._lines[first]) - len(self._lines[first].lstrip())
        try:
            _, end = json.JSONDecoder().raw_decode(self._text, start)
        except (ValueError, RecursionError):
            return first
        return bisect_left(self._starts, end, first) if end - start >= _SHORTEST_JSON_CHARACTERS else first

    def _starts_mail(self, number: int) -> bool:
        """Return whether the header of a mail begins in a line: three such lines, or two where one has an address."""
        if not _HEADER.match(self._lines[number]):
            return False
        headers = [line for line in self._lines[number : number + _HEADER_LINES] if _HEADER.match(line)]
        is_forwarded = number > 0 and _FORWARDED.match(self._lines[number - 1]) is not None
        return len(headers) >= (2 if is_forwarded or any("@" in line for line in headers) else 3)

    def _find_runs(self, first: int, end: int) -> list[Block]:
        """Return the blocks among these lines that are runs of lines of one form."""
        blocks: list[Block] = []
        number = first
        while number < end:
            line = self._lines[number]
            length, kind = self._longest_run(number, end) if line and not line.isspace() else (0, "")
            if length:
                blocks.append(self._block(number, number + length, kind))
            elif len(line) >= _LONG_DATA_CHARACTERS:
                start = self._starts[number]
                blocks += [
                    Block(start + match.start(), start + match.end(), "data") for match in _LONG_DATA.finditer(line)
                ]
            number += max(length, 1)
        return blocks

    def _longest_run(self, first: int, end: int) -> tuple[int, str]:
        """Return the length and the kind of the run that begins in a line; 0 if none does."""
        for kind, least, share, is_of in _RUNS:
            if is_of(self._lines[first]):
                length = self._run_length(first, end, share, is_of)
                if length >= least:
                    return length, kind
        return 0, ""

    def _run_length(self, first: int, end: int, share: float, is_of: Callable[[str], bool]) -> int:
        """Return how many lines from one on form a run, which begins and ends with a line of its form.

        Two lines in succession that are not of the form end it, and so do three blank ones.
        """
        of_form = others = strange = blank = last = 0
        for number in range(first, end):
            line = self._lines[number]
            if not line or line.isspace():
                blank += 1
                if blank > _MOST_BLANK_LINES or share == 1.0:
                    break
                continue
            blank = 0
            if is_of(line):
                of_form, last, strange = of_form + 1, number - first + 1, 0
            else:
                others, strange = others + 1, strange + 1
            if strange > 1 or of_form < share * (of_form + others) - 1:
                break
        return last


def _is_of_log(line: str) -> bool:
    if _TRACE.match(line):
        return True
    beginning = line[:160]
    signs = bool(_LEVEL.search(beginning)) + bool(_CLOCK.search(beginning[:40])) + bool(_TECHNICAL.search(beginning))
    return signs > 1


def _is_of_code(line: str) -> bool:
    if line.rstrip().endswith(_CODE_ENDS) and line[0] in " \t{}":
        return True
    is_likely = line.startswith(("  ", "\t")) or line.rstrip().endswith(_CODE_ENDS)
    return (is_likely and _CALL.search(line) is not None) or _STATEMENT.match(line) is not None
