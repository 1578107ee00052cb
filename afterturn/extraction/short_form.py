"""Read the short form of a fact (`answer_form.FactForm`): its joined fields become the fields of a candidate."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from afterturn.candidate import KnownRelation
from afterturn.relation import Relation

#: `4: the words`, also `[4] the words` or `turn 4: the words`.
_NUMBERED = re.compile(
    r"\s*(?:turn\s*)?(?:\[(\d{1,6})\]\s*[:.)-]?|(\d{1,6})\s*[:.)])\s*(.+)", re.IGNORECASE | re.DOTALL
)
_LABEL = re.compile(r"\bK\s*(\d{1,4})\b", re.IGNORECASE)
_WORD = re.compile(r"[a-z]+")
_OPEN_ENDS = frozenset({"", "..", "...", "null", "none"})

#: Words that models use in place of the relations.
_RELATIONS = {
    Relation.SAME: ("same", "repeats", "repeated", "confirms", "duplicate"),
    Relation.REFINES: ("refines", "refined", "details", "extends", "completes"),
    Relation.ENDS: ("ends", "ended", "closes", "finishes"),
    Relation.REPLACES: ("replaces", "replaced", "updates", "supersedes", "corrects", "corrected"),
    Relation.CONTRADICTS: ("contradicts", "contradicted", "conflicts"),
}
_RELATION_OF = {word: relation for relation, words in _RELATIONS.items() for word in words}
_CORRECTS = frozenset({"corrects", "corrected"})


def expand(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields of a candidate for a fact in the short form; any other fact is returned as it is."""
    if not item.keys() & {"quotes", "about", "when", "weight", "known"}:
        return item
    fields: dict[str, Any] = {key: value for key, value in item.items() if key not in _JOINED}
    fields |= _read_about(item.get("about"))
    fields |= _read_when(item.get("when"))
    if "weight" in item:
        fields["importance"] = item["weight"]
    known = item.get("known")
    relations = [known] if isinstance(known, str) else known if isinstance(known, list) else []
    fields["known"] = tuple(_read_relations(relations))
    if any(_CORRECTS & set(_WORD.findall(text.casefold())) for text in relations if isinstance(text, str)):
        fields["corrects"] = True
    if "quotes" in item:
        fields["evidence"] = list(_read_quotes(item["quotes"]))
    return fields


_JOINED = frozenset({"about", "when", "weight", "known", "quotes"})


def _read_about(about: object) -> dict[str, str]:
    parts = [part.strip() for part in about.split("|")] if isinstance(about, str) else []
    if len(parts) < 3 or not all(parts[:2]):
        return {}
    value = " | ".join(parts[2:]).strip()
    return dict(zip(("subject", "attribute", "value"), (*parts[:2], value), strict=True)) if value else {}


def _read_when(when: object) -> dict[str, str]:
    """Return the beginning and the end of a day, or of a span such as `2023-05/..`; nothing where none is said."""
    if isinstance(when, int) and not isinstance(when, bool):
        when = str(when)
    if not isinstance(when, str) or not when.strip():
        return {}
    start, separator, end = (part.strip() for part in when.partition("/"))
    given = {"valid_from": start, "valid_to": end if separator else ""}
    return {name: text for name, text in given.items() if text.casefold() not in _OPEN_ENDS}


def _read_relations(texts: list[Any]) -> Iterator[KnownRelation]:
    """Yield the relations in texts such as `K3 replaces`. A text with no label, or no relation, is left out."""
    for text in texts:
        if not isinstance(text, str):
            continue
        relation = next((_RELATION_OF[word] for word in _WORD.findall(text.casefold()) if word in _RELATION_OF), None)
        if relation is not None:
            yield from (KnownRelation(known=f"K{int(number)}", relation=relation) for number in _LABEL.findall(text))


def _read_quotes(quotes: object) -> Iterator[dict[str, Any] | str]:
    """Yield each quote with the number of its turn. Without a number, it is searched in all turns."""
    for quote in quotes if isinstance(quotes, list) else [quotes]:
        if isinstance(quote, dict):
            yield quote
        elif isinstance(quote, str) and (numbered := _NUMBERED.fullmatch(quote)):
            yield {"turn": int(numbered[1] or numbered[2]), "quote": numbered[3]}
        elif isinstance(quote, str):
            yield quote
