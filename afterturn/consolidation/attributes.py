"""What is known of attributes: which have one current value, and which contradict each other."""

from __future__ import annotations

#: A person has one of these at a time: another value supersedes it. Everything not named here may have many values,
#: because keeping two is a smaller fault than losing one.
_SINGLE = frozenset(
    {
        "age",
        "birthday",
        "born_in",
        "born_on",
        "diet",
        "email",
        "employer",
        "gender",
        "height",
        "home_town",
        "job",
        "job_title",
        "lives_in",
        "marital_status",
        "married_to",
        "name",
        "nationality",
        "phone",
        "pronouns",
        "relationship_status",
        "timezone",
        "weight",
        "works_as",
        "works_at",
    }
)
_SINGLE_PREFIXES = ("favourite_", "favorite_", "preferred_", "current_", "prefers_")

#: Of one thing only one of these holds at a time.
_OPPOSITES = (
    frozenset({"likes", "loves", "enjoys"}),
    frozenset({"dislikes", "hates", "avoids"}),
)
#: What these begin the name of an attribute with has ended.
_ENDED_PREFIXES = ("formerly_", "no_longer_", "former_")
#: The name of an attribute in the past tense. It contradicts the present only where it says until when it was so.
_PAST = {
    "disliked": "dislikes",
    "liked": "likes",
    "lived_in": "lives_in",
    "owned": "owns",
    "played": "plays",
    "studied": "studies",
    "worked_as": "works_as",
    "worked_at": "works_at",
}
_PAST_OF = {present: past for past, present in _PAST.items()}


def is_single_valued(attribute: str) -> bool:
    """Return whether a new value of this attribute supersedes the old one."""
    return attribute in _SINGLE or attribute.startswith(_SINGLE_PREFIXES)


def are_opposite(one: str, other: str) -> bool:
    """Return whether having the one value under both attributes is a contradiction: `likes` and `dislikes`."""
    if _ended(one) == other or _ended(other) == one:
        return True
    kinds = [{place for place, names in enumerate(_OPPOSITES) if name in names} for name in (one, other)]
    return all(kinds) and kinds[0] != kinds[1]


def is_past_of(one: str, other: str) -> bool:
    """Return whether `one` is the past tense of `other`: `worked_at` of `works_at`."""
    return _PAST.get(one) == other


def _ended(attribute: str) -> str | None:
    """Return the attribute that `attribute` says has ended: `formerly_diet` -> `diet`."""
    for prefix in _ENDED_PREFIXES:
        if attribute.startswith(prefix):
            return attribute.removeprefix(prefix)
    return None


def related(attribute: str) -> set[str]:
    """Return the attributes whose facts a value of this one may repeat, supersede or contradict, itself included."""
    found = {attribute, _ended(attribute) or attribute}
    found |= {prefix + attribute for prefix in _ENDED_PREFIXES}
    found |= {tense[attribute] for tense in (_PAST, _PAST_OF) if attribute in tense}
    if any(attribute in names for names in _OPPOSITES):
        found |= frozenset().union(*_OPPOSITES)
    return found
