"""English verbs: recognise the past tense, and form the third person singular."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Past forms without -ed. Forms that equal their present (put, cut) are read as past.
IRREGULAR_PAST = _words(
    """
    ate awoke became began bent bit blew bought bred broke brought built burnt came caught chose clung crept cut
    dealt did dove dreamt drank drew drove dug fed fell felt fought flew forgave forgot forsook found froze gave
    got grew had heard held hid hit hung hurt kept knew knelt laid lay lent led leapt learnt left let lit lost
    made meant met misunderstood outgrew overcame overheard paid proved put quit ran rang read rebuilt redid
    retook rewrote rode rose said sang sank sat saw sent set shot showed shrank shut slept slid sold sought
    spent spilt split spoke sprang spread stole stood stuck stung strove struck swam swept swore swung taught
    thought threw told took tore undertook understood underwent upset was went were withdrew woke won wore wound
    wove wrote
    """
)

_PRESENT_IN_ED = _words("need feed speed bleed breed seed heed exceed succeed proceed weed embed shed wed")

#: Verbs with the same form after any subject.
MODALS = _words("can cannot could may might must shall should will would ought")

#: Verbs that belong to the subject even after an infinitive: "tries to run daily and loves the sea".
STATIVE = _words("am enjoy love hate prefer want know")

#: Words that are not verbs after "to": "go to school and work".
_NO_INFINITIVES = _words("school work bed church town college university music podcasts classes therapy")

#: Base forms that, after "and", are a further verb of the subject.
CONTINUING = _words(
    """
    am have live like enjoy prefer hate want go know speak teach write read eat drink believe think feel try
    hope own keep make take get do see find use wear listen watch sing spend own adore dislike avoid attend
    volunteer collect grow sell buy bring understand miss run lead manage
    """
)

#: Further verbs that are also nouns. They count only before a word that does not follow a noun.
CONTINUING_OR_NOUN = _words(
    """
    work love play study travel dance exercise walk cook hike plan need cycle paint practice swim train care
    help support focus draw bake ski surf garden visit dream worry struggle garden
    """
)

AFTER_A_VERB = _words(
    """
    a an the my our in at on as for with to from about by every each this that these those some most mostly
    often regularly daily full part there here it them him her well
    """
)

_NOT_ADVERBS = _words("rely apply supply reply fly comply multiply imply ally rally bully tally family")
_ADVERBS = _words(
    """
    also just always never often sometimes still even already now then ever not both all so soon once kind sort
    of too usually almost only rather quite very pretty no longer first myself recently
    """
)


def is_adverb(word: str) -> bool:
    """Return whether `word` (lower case) may be between a subject and its verb."""
    return word in _ADVERBS or (word.endswith("ly") and word not in _NOT_ADVERBS)


def is_past(word: str) -> bool:
    """Return whether `word` (lower case) is a past form: `went`, `adopted`."""
    if word in IRREGULAR_PAST:
        return True
    return len(word) > 3 and word.endswith("ed") and word not in _PRESENT_IN_ED


def is_infinitive(word: str) -> bool:
    """Return whether a word after "to" is a verb, not a place: "to swim", not "to Lisbon"."""
    return word.islower() and word not in AFTER_A_VERB and word not in _NO_INFINITIVES


def third_person_form(word: str) -> str:
    """Return the form of a verb after a name: `try` -> `tries`, `am` -> `is`, `went` -> `went`."""
    irregular = _IRREGULAR_THIRD_PERSON.get(word)
    if irregular is not None:
        return irregular
    if word in MODALS or is_past(word) or word.endswith("ing"):
        return word
    if word.endswith(("s", "x", "z", "ch", "sh", "o")):
        return word + "es"
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return word[:-1] + "ies"
    return word + "s"


_IRREGULAR_THIRD_PERSON = {
    "am": "is",
    "are": "is",
    "be": "is",
    "is": "is",
    "was": "was",
    "were": "was",
    "have": "has",
    "do": "does",
    "has": "has",
    "does": "does",
    "better": "better",
    "quiz": "quizzes",
}


def plural_form(word: str) -> str:
    """Return the form of a verb after "they": `am` -> `are`, `was` -> `were`."""
    return {"am": "are", "was": "were", "is": "are"}.get(word, word)
