"""Find what is no prose in a message: code, tables, logs, mails, quotations, data, JSON, markup, formulas.

A block is a run of lines. Nothing here depends on a language but the names of the headers of mails. In case of doubt a
line is prose. Each text is read once from its beginning to its end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence

from afterturn.extraction.excerpts.spans import FORMULA, Block, Span

#: A mathematical formula has at most this many lines.
_FORMULA_LINES = 40
_MOST_BLANK_LINES = 2
#: Only so many lines are tried as the beginning of JSON.
_MOST_JSON_TRIALS = 20

_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})")
_DATA = re.compile(r"[ \t]*[A-Za-z0-9+/=_-]{60,}[ \t]*$")
_LONG_DATA = re.compile(r"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/=_-]{200,}")
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
    r"|package|namespace|using|struct|enum|interface|if|elif|else|for|while|try|except|catch|finally|switch|case|end"
    r"|SELECT|INSERT|UPDATE|DELETE|CREATE|FROM|WHERE|JOIN|GROUP BY|ORDER BY)\b(?=.*[(){};:=*,])|#include\b|@\w+|\$\w+"
    r"|//|/\*|<\?php|#!)"
)
_CODE_END = re.compile(r"(?:[{};]|\)[;:]?|\):|=>|\(|\\)[ \t]*$")
_CALL = re.compile(r"[\w\])]\(|\w = |\w\.\w+\(|[=!<>]=|->|::|&&|\|\|")
_HEADER_LIST = (
    "from|to|cc|bcc|subject|date|sent|reply-to|von|an|betreff|datum|gesendet|de|para|asunto|fecha|enviado|assunto|data"
    "|от|кому|тема|дата|отправлено|kimden|kime|konu|tarih|gönderen|من|إلى|الموضوع|التاريخ|प्रेषक|प्रति|विषय|दिनांक"
    "|보낸 사람|받는 사람|제목|날짜|差出人|宛先|件名|日時|送信日時|发件人|收件人|主题|日期|發件人|收件人|主旨|จาก|ถึง|เรื่อง|วันที่"
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
    if "\n" not in text:
        return _find_long_data(text, Span(0, len(text)))
    lines = _lines(text)
    taken, prose_from = _find_marked(text, lines), 0
    blocks: list[Block] = []
    for first, end, kind in [*taken, (len(lines), len(lines), "")]:
        blocks += _find_runs(text, lines, prose_from, first)
        if kind:
            blocks.append(_block(lines, first, end, kind))
        prose_from = end
    return blocks


def _lines(text: str) -> list[Span]:
    spans, start = [], 0
    for line in text.split("\n"):
        spans.append(Span(start, start + len(line)))
        start += len(line) + 1
    return spans


def _block(lines: Sequence[Span], first: int, end: int, kind: str) -> Block:
    return Block(lines[first].start, lines[end - 1].end, kind)


def _find_marked(text: str, lines: Sequence[Span]) -> list[tuple[int, int, str]]:
    """Return the blocks whose beginning marks them, as (first line, line after the last, kind)."""
    found: list[tuple[int, int, str]] = []
    number, json_trials = 0, 0
    while number < len(lines):
        line = text[lines[number].start : lines[number].end]
        end, kind = number, ""
        if fence := _FENCE.match(line):
            end, kind = _end_of_fence(text, lines, number, fence[1]), "code"
        elif line.lstrip().startswith(("\\[", "$$")):
            end, kind = _end_of_formula(text, lines, number), FORMULA
        elif line.lstrip().startswith(("{", "[")) and json_trials < _MOST_JSON_TRIALS:
            json_trials += 1
            end, kind = _end_of_json(text, lines, number), "json"
        elif _starts_mail(text, lines, number):
            end, kind = len(lines), "mail"
        if end > number:
            found.append((number, end, kind))
        number = max(end, number + 1)
    return found


def _end_of_fence(text: str, lines: Sequence[Span], first: int, fence: str) -> int:
    for number in range(first + 1, len(lines)):
        if text[lines[number].start : lines[number].end].lstrip().startswith(fence):
            return number + 1
    return len(lines)


def _end_of_formula(text: str, lines: Sequence[Span], first: int) -> int:
    opening = text[lines[first].start : lines[first].end].lstrip()[:2]
    closing = "\\]" if opening == "\\[" else "$$"
    for number in range(first, min(first + _FORMULA_LINES, len(lines))):
        line = text[lines[number].start : lines[number].end]
        if closing in (line.lstrip()[2:] if number == first else line):
            return number + 1
    return first


def _end_of_json(text: str, lines: Sequence[Span], first: int) -> int:
    """Return the line after a value of JSON that begins in a line and is more than an empty or a single one."""
    start = lines[first].end - len(text[lines[first].start : lines[first].end].lstrip())
    try:
        value, end = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        return first
    if not isinstance(value, dict | list) or len(value) < 2 and end - start < 80:
        return first
    number = first
    while lines[number].end < end:
        number += 1
    return number + 1


def _starts_mail(text: str, lines: Sequence[Span], number: int) -> bool:
    """Return whether the header of a mail begins in a line: three such lines, or two of which one has an address."""
    line = text[lines[number].start : lines[number].end]
    if not _HEADER.match(line):
        return False
    following = [text[each.start : each.end] for each in lines[number : number + 6]]
    headers = [each for each in following if _HEADER.match(each)]
    before = text[lines[number - 1].start : lines[number - 1].end] if number else ""
    has_address = any("@" in each for each in headers) or _FORWARDED.match(before) is not None
    return len(headers) >= (2 if has_address else 3)


def _find_runs(text: str, lines: Sequence[Span], first: int, end: int) -> list[Block]:
    """Return the blocks among these lines that are runs of lines of one form."""
    blocks: list[Block] = []
    contents = [text[line.start : line.end] for line in lines[first:end]]
    place = 0
    while place < len(contents):
        length, kind = _longest_run(contents, place)
        if length:
            blocks.append(_block(lines, first + place, first + place + length, kind))
        else:
            blocks += _find_long_data(text, lines[first + place])
        place += max(length, 1)
    return blocks


def _longest_run(contents: Sequence[str], place: int) -> tuple[int, str]:
    """Return the length and the kind of the run that begins at a place; 0 if none does."""
    for kind, least, share, is_of in _RUNS:
        length = _run_length(contents, place, share, is_of)
        if length >= least:
            return length, kind
    return 0, ""


def _run_length(contents: Sequence[str], place: int, share: float, is_of: Callable[[str], bool]) -> int:
    """Return how many lines from a place on form a run, which begins and ends with a line of its form.

    Two lines in succession that are not of the form end it, and so do three blank ones.
    """
    of_form = others = strange = blank = last = 0
    for number in range(place, len(contents)):
        line = contents[number]
        if not line.strip():
            blank += 1
            if blank > _MOST_BLANK_LINES or share == 1.0 or not last:
                break
            continue
        blank = 0
        if is_of(line):
            of_form, last, strange = of_form + 1, number - place + 1, 0
        else:
            others, strange = others + 1, strange + 1
        if strange > 1 or not last or of_form < share * (of_form + others) - 1:
            break
    return last


def _find_long_data(text: str, line: Span) -> list[Block]:
    if line.end - line.start < 200:
        return []
    return [Block(match.start(), match.end(), "data") for match in _LONG_DATA.finditer(text, line.start, line.end)]


def _is_of_log(line: str) -> bool:
    if _TRACE.match(line):
        return True
    beginning = line[:160]
    signs = bool(_LEVEL.search(beginning)) + bool(_CLOCK.search(beginning[:40])) + bool(_TECHNICAL.search(beginning))
    return signs > 1


def _is_of_code(line: str) -> bool:
    if _STATEMENT.match(line):
        return True
    return bool(_CODE_END.search(line)) and (line[0] in " \t{}" or _CALL.search(line) is not None)
