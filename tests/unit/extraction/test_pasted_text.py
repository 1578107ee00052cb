"""Of what is pasted into a message, extraction is shown what it is; what is said around it is shown whole."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterturn.excerpts.blocks import find_blocks
from afterturn.extraction.excerpts.pasted import WHOLE_CHARACTERS, shorten_pasted
from harness.llm_server import prompt

CODE = "\n".join(
    [
        "def compute(values):",
        "    total = 0",
        "    for value in values:",
        "        total += value * 3",
        "    return total",
    ]
    * 8
)
JAVA = "\n".join(
    [
        "public class Budget {",
        "  private int total = 0;",
        "  void add(int amount) {",
        "    total += amount;",
        "  }",
        "}",
    ]
    * 7
)
SQL = "\n".join(
    ["SELECT name, price,", "       amount", "FROM orders o", "WHERE o.price > 30;", "INSERT INTO log (x) VALUES (1);"]
    * 8
)
TABLE = "| Product | Price | Stock |\n|---|---|---|\n" + "\n".join(
    f"| Screw {n} | {n}.20 | {n * 7} |" for n in range(40)
)
TABBED = "\n".join(f"2024-01-{n:02}\tOffice\t{n * 31}\tpaid" for n in range(1, 29))
LOG = "\n".join(
    f"2024-03-0{n % 9 + 1} 12:04:{n:02} ERROR [worker-{n}] connection refused host=db-{n}" for n in range(10, 40)
)
TRACE = (
    "Traceback (most recent call last):\n"
    + "\n".join(f'  File "/srv/app/module_{n}.py", line {n}, in call\n    return handler(request)' for n in range(10))
    + "\nValueError: no such thing"
)
MAIL = (
    "From: Bob Lindt <bob@example.org>\nTo: Ana\nSubject: Offer\n\nDear Ana,\n\n"
    + ("we are pleased to offer you the room from June on, and I own the house.\n" * 12)
    + "\nKind regards\nBob"
)
GERMAN_MAIL = "Von: Bernd Huber\nAn: Ana\nBetreff: Angebot\nDatum: 3. Mai\n\n" + ("Ich ziehe im Juni nach Graz.\n" * 20)
QUOTED = "\n".join(f"> I moved to Rome in the year {n}, and I own a boat." for n in range(2000, 2016))
DATA = "iVBORw0KGgoAAAANSUhEUgAA" * 60
DATA_LINES = "\n".join(["MIIEpAIBAAKCAQEA7bq3pZK5vWvXyq0aJ4n8kq3d5pZK5vWvXyq0aJ4n8kq3d5"] * 12)
JSON = (
    '{\n  "name": "Rex",\n  "items": [\n'
    + ",\n".join(f'    {{"id": {n}, "owner": "Rex"}}' for n in range(30))
    + "\n  ]\n}"
)
JSON_LINE = '{"results": [' + ", ".join(f'{{"id": {n}, "city": "Rome"}}' for n in range(60)) + "]}"
MARKUP = (
    "<html>\n<body>\n" + "\n".join(f"  <li class='x'>I live in Rome {n}</li>" for n in range(20)) + "\n</body>\n</html>"
)
FENCED = f"```\n{'He lives in Rome. ' * 40}\n{'I live there. ' * 30}\n```"

PASTED = {
    "code": (CODE, JAVA, SQL, FENCED),
    "table": (TABLE, TABBED),
    "log": (LOG, TRACE),
    "quote": (QUOTED,),
    "data": (DATA, DATA_LINES),
    "json": (JSON, JSON_LINE),
    "markup": (MARKUP,),
}


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in PASTED.items() for text in texts])
def test_a_long_block_is_named_by_kind_and_size_between_its_ends(kind: str, text: str):
    before, after = "I work at Nortec, and this puzzles me:", "My deadline is on 4 May. What is wrong?"
    shown = shorten_pasted(f"{before}\n\n{text}\n\n{after}")

    assert shown.startswith(before) and shown.endswith(after)
    assert f"[... {kind}, " in shown
    assert len(shown) < len(before) + len(after) + 700
    assert text.split("\n")[0][:40] in shown and text.split("\n")[-1][-40:].strip() in shown


@pytest.mark.parametrize("mail", [MAIL, GERMAN_MAIL, MAIL.replace("\n", "\r\n")])
def test_of_a_mail_the_header_and_the_end_are_shown(mail: str):
    shown = shorten_pasted(f"What shall I answer?\n{mail}\n\nI want to say no, I keep my flat.")

    assert shown.startswith("What shall I answer?") and shown.endswith("I want to say no, I keep my flat.")
    assert mail.split("\n")[2].strip() in shown and "[... mail, " in shown
    assert shown.count("I own the house") + shown.count("nach Graz") <= 3


WHOLE = {
    "a long story": "On Sunday I went to the sea with Ines. We swam, and then it rained; I forgot my coat. " * 30,
    "a list": "My week:\n" + "\n".join(f"- On day {n} I go to the gym at {n} o'clock (with Ines)" for n in range(30)),
    "a diary": "\n".join(f"2024-03-{n:02} 18:30 ran {n} km, felt good" for n in range(1, 29)),
    "a dialogue": "\n".join(f"Ana: I said number {n}.\nBob: And I answered it!" for n in range(20)),
    "lines that end with a semicolon": "\n".join(["I like tea;", "I like bread;", "and I like the sea;"] * 14),
    "a poem": "\n".join(
        ["From the sea I come,", "to the sea I go,", "for my name is foam,", "if you want to know."] * 8
    ),
    "a journey": "From: Lisbon\nTo: Porto\n" + "I want to take the train, since I fear flying. " * 20,
    "brackets": "[Ana] I live in Porto (with Ines).\n" * 20,
    "two quoted lines": "> I moved\n> to Rome\n" + "No, I moved to Porto, since my work is there. " * 20,
    "sums": "\n".join(f"In month {n} I spent {n}00 euros on rent = too much" for n in range(12)),
    "Chinese": "\n".join(["我住在里斯本，在一家银行工作。", "我有一只狗，叫布鲁诺；它三岁了。"] * 20),
    "Arabic": "\n".join(["أعيش في لشبونة وأعمل في بنك.", "لدي كلب اسمه برونو: عمره ثلاث سنوات."] * 20),
    "questions": "\n".join(
        ["If I move, who takes the dog?", "For whom do I work, then?", "Case by case: who pays?"] * 12
    ),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_what_a_person_says_is_shown_whole(kind: str):
    assert shorten_pasted(WHOLE[kind]) == WHOLE[kind]


def test_a_short_block_is_shown_whole():
    said = (
        "This is my week:\n| Day | What |\n|---|---|\n| Monday | swimming |\n| Friday | choir |\n" + "I like it. " * 80
    )
    assert shorten_pasted(said) == said


def test_several_blocks_are_each_shortened():
    shown = shorten_pasted(f"First:\n{TABLE}\nI own three shops.\n{LOG}\nI sold one in May.\n{JSON}\nWhat now?")
    assert [kind for kind in ("table", "log", "json") if f"[... {kind}, " in shown] == ["table", "log", "json"]
    assert "I own three shops." in shown and "I sold one in May." in shown and shown.endswith("What now?")


_MARKS = ["```", "{", "}", "[1, 2]", "\\[", "\\]", "", "  ", "x" * 300, "<b>", "[... code, 3 lines ...]"]
_OTHERS = [text.split("\n")[place] for text in (TABLE, LOG, CODE, MAIL, QUOTED) for place in range(5)]
_LINES = st.sampled_from([*_MARKS, *_OTHERS, "I live in Porto."])


@given(st.lists(_LINES, max_size=80), st.text(max_size=40))
@settings(max_examples=300)
def test_pieces_are_verbatim_and_in_order_and_nothing_grows(lines: list[str], text: str):
    said = "\n".join([text, *lines])
    shown = shorten_pasted(said)

    assert len(shown) <= len(said)
    place = 0
    for piece in prompt.ShownTurn(1, "user", "", shown).pieces:
        found = said.find(piece.strip(), place)
        assert found >= 0
        place = found + len(piece.strip())


@given(st.lists(_LINES, max_size=60))
def test_blocks_are_in_order_and_do_not_overlap(lines: list[str]):
    text = "\n".join(lines)
    place = 0
    for block in find_blocks(text):
        assert place <= block.start < block.end <= len(text)
        place = block.end


def test_the_shortest_long_block_is_longer_than_what_is_shown_whole():
    assert shorten_pasted("a\n" + "x" * WHOLE_CHARACTERS) == "a\n" + "x" * WHOLE_CHARACTERS
    assert "data" in shorten_pasted("a\n" + "x" * (WHOLE_CHARACTERS + 1))
