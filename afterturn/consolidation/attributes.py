"""Attributes: which have one current value, and which contradict each other."""

from __future__ import annotations

#: A person has one value of each at a time: a new value supersedes the old one. All other attributes may have many
#: values, because keeping two facts is a smaller fault than losing one.
_SINGLE_VALUED = frozenset(
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
_SINGLE_VALUED_PREFIXES = ("favourite_", "favorite_", "preferred_", "current_", "prefers_")

#: Attributes of different groups contradict each other if they have the same value.
_OPPOSITES = (
    frozenset({"likes", "loves", "enjoys"}),
    frozenset({"dislikes", "hates", "avoids"}),
)
#: Prefixes that say that the rest of the attribute has ended.
_ENDED_PREFIXES = ("formerly_", "no_longer_", "former_")
#: Attributes in the past tense. They contradict the present tense only if they say until when it was true.
_PRESENT_OF_PAST = {
    "disliked": "dislikes",
    "liked": "likes",
    "lived_in": "lives_in",
    "owned": "owns",
    "played": "plays",
    "studied": "studies",
    "worked_as": "works_as",
    "worked_at": "works_at",
}
_PAST_OF_PRESENT = {present: past for past, present in _PRESENT_OF_PAST.items()}

#: Attributes of states and attitudes that take an object, of which there may be many: looking_for, is_reading, has.
_ENDS_WITH_OBJECT = ("_about", "_as", "_at", "_by", "_for", "_from", "_in", "_of", "_on", "_to", "_with", "ing")
_HAS_OBJECT = frozenset({"has", "keeps", "needs", "owns", "plays", "reads", "takes", "uses", "wants", "wears"})
_FEELINGS = frozenset({"feeling", "is_feeling"})


def is_single_valued(attribute: str) -> bool:
    """Return whether a new value of this attribute supersedes the old one."""
    return attribute in _SINGLE_VALUED or attribute.startswith(_SINGLE_VALUED_PREFIXES)


def has_one_state(attribute: str) -> bool:
    """Return whether the next state or attitude with this attribute replaces the one before: `mood`, `job_search`.

    Not if the attribute takes an object: who is looking for a flat may be looking for a job as well.
    """
    if attribute in _FEELINGS:
        return True
    takes_object = attribute.endswith(_ENDS_WITH_OBJECT) or attribute.split("_")[0] in _HAS_OBJECT
    return not takes_object and not is_attitude(attribute)


def is_attitude(attribute: str) -> bool:
    """Return whether the value of the attribute is a matter, and the attribute says what a person thinks of it."""
    return any(attribute in names for names in _OPPOSITES)


def are_opposite(one: str, other: str) -> bool:
    """Return whether two attributes with the same value contradict each other: `likes` and `dislikes`."""
    if _ended_attribute(one) == other or _ended_attribute(other) == one:
        return True
    groups = [{number for number, names in enumerate(_OPPOSITES) if name in names} for name in (one, other)]
    return all(groups) and groups[0] != groups[1]


def is_past_of(one: str, other: str) -> bool:
    """Return whether `one` is the past tense of `other`: `worked_at` of `works_at`."""
    return _PRESENT_OF_PAST.get(one) == other


def _ended_attribute(attribute: str) -> str | None:
    """Return the attribute that `attribute` says has ended: `formerly_diet` -> `diet`; None for other attributes."""
    for prefix in _ENDED_PREFIXES:
        if attribute.startswith(prefix):
            return attribute.removeprefix(prefix)
    return None


def related_attributes(attribute: str) -> set[str]:
    """Return the attributes whose facts a value of this one may repeat, supersede or contradict, and itself."""
    related = {attribute, _ended_attribute(attribute) or attribute}
    related |= {prefix + attribute for prefix in _ENDED_PREFIXES}
    related |= {tense[attribute] for tense in (_PRESENT_OF_PAST, _PAST_OF_PRESENT) if attribute in tense}
    if any(attribute in names for names in _OPPOSITES):
        related |= frozenset().union(*_OPPOSITES)
    return related
