"""Recognise sentences that are not statements: questions, hypotheses, requests, small talk."""

from __future__ import annotations

import re

_QUESTION = re.compile(
    r"^(?:(?:what|who|whose|which|where|why|how|whether)\b|when (?:do|does|did|will|is|are|can|should)\b"
    r"|(?:do|does|did|can|could|would|should|shall|will|may|is|are|am|was|were|has|have|had)"
    r" (?:i|you|we|they|he|she|it|the|there|this|that|these|those|your|anyone|someone|people)\b"
    r"|(?:do|does|did|can|could|would|should|will|is|are|was|were|has) (?:my|our)\b)",
    re.IGNORECASE,
)
_HYPOTHESIS = re.compile(
    r"\b(?:(?<!even )if|unless|imagine|suppose|supposing|hypothetically|let us say|let's say|pretend|assuming"
    r"|i wish(?! to\b)|were i|whether"
    r"|would have|could have|should have|might have|what about|in case)\b",
    re.IGNORECASE,
)
_CONDITIONAL = re.compile(
    r"\b(?:i|we|it|that|this|they|he|she) (?:\w+ly )?would(?! (?:\w+ly )?(?:like|love|prefer|rather|enjoy"
    r"|often|always)\b)",
    re.IGNORECASE,
)
_REQUEST = re.compile(
    r"^(?:please|kindly|tell|write|give|show|help|explain|find|make|let|let's|lets|create|generate"
    r"|translate|summari[sz]e"
    r"|list|describe|suggest|recommend|use|act|answer|add|remove|delete|change|fix|check|compare|convert"
    r"|send|set|turn|open"
    r"|stop|start|try|go|come|look at|wait|do not|don't|rewrite|read|draft|ignore|forget|take a look"
    r"|take care|keep up|keep me"
    r"|guess|have (?:a|fun)|hope (?:you|that|it)|say|call(?! me (?-i:[A-Z]))|consider|schedule|book|play"
    r"|remind|edit|review|analy[sz]e)\b",
    re.IGNORECASE,
)
_SMALL_TALK = re.compile(
    r"^(?:(?:thanks|thank you|thx|(?:so |really |very )?(?:glad|happy|proud|sorry)|hi|hello|hey|bye"
    r"|goodbye|good (?:morning|night|evening|afternoon)|welcome|congrat\w*|wow"
    r"|cheers|(?:that |it )?(?:sounds|looks) (?:good|great|nice|fun)|your|you|(?:love|like|loved) (?:that"
    r"|this|your|how|the way)|trust me|nice to|great to|glad to"
    r"|good to|see you|talk to you|have a|sure|ok|okay|no problem|my (?:pleasure|bad|apologies))\b"
    r"|(?:i|we) (?:\w+ly |\d+% |do |also |just |can |could |will |would |have |am |so )*(?:"
    r"(?:see|get|got|know|understand|understood|hear|heard|mean|meant)(?: (?:it|that|this|what|how|why"
    r"|you|your|where|the feeling)\b|[.!,]*$)"
    r"|(?:agree|disagree|guess|bet|doubt|suppose|assume|thank|apologi[sz]e)\b|appreciate (?:it|that|this"
    r"|the|your?|all|how|any)\b"
    r"|keep (?:that|it|this|you|your|ya)\b|have something\b|look into (?:it|that)\b|let you\b"
    r"|take (?:that|it|your)\b|think (?:so|about it)\b"
    r"|(?:remember|forget|forgot|consider|try|do|need|want|hope|think|believe) (?:that|it|this|so|those"
    r"|these)(?: too| then| now| idea| one)?[.!]*$"
    r"|(?:love|like|hate|enjoy|loved|liked|enjoyed) (?:that|it|this|those|these|your|how|them)\b"
    r"|(?:want|need|like) (?:an?|some|the|another) (?:\w+ )?(?:recipe|list|summary|poem|story|example"
    r"|code|script|table|letter|translation|answer"
    r"|explanation|definition|info|information|suggestions?|recommendations?|tips|ideas)\b"
    r"|hope (?:so|not|you|that|this|it|everything|all)\b"
    r"|(?:glad|happy|sorry|sure|ready|here|fine|good|okay|ok|back|well|great|afraid|curious|confused|done"
    r"|there|impressed|certain|all (?:set|ears|good|for))\b(?! (?:at|in|with my|from)\b)"
    r"|grateful for (?:your|the) (?:support|guidance|help|advice|encouragement)\b|not sure\b"
    r"|think (?:that is|that was|it is|this is|you|that's|so)\b|think (?:that|this|it) (?:sounds|would"
    r"|could|will|makes)\b"
    r"|(?:could|can) not (?:agree|wait)\b|cannot (?:agree|wait)\b|have (?:a|another|one more|some"
    r"|any) (?:\w+ )?questions?\b|wonder\b|wondering\b"
    r"|was (?:just )?wondering\b))",
    re.IGNORECASE,
)
_META = re.compile(
    r"\b(?:this conversation|our conversation|this chat|the conversation|future conversations|asked you"
    r"|need your help"
    r"|want you to|need you to|would like you to|like you to|your (?:help|advice|support|guidance"
    r"|encouragement|suggestions?|insights?|answer))\b",
    re.IGNORECASE,
)
#: A line that imitates a turn of the prompt.
_IMITATED_TURN = re.compile(r"^\[\d{1,6}\] ")
_GRATITUDE = re.compile(
    r"^(?:thanks|thank you|thx|congrat\w*)\b.*\b(?:for|on)\b|\blike (?:just |only )?yesterday\b"
    r"|\bsince we (?:last )?(?:talked|spoke|chatted|met)\b",
    re.IGNORECASE,
)
_REMEMBER = re.compile(
    r"^(?:please )?(?:remember|note|keep in mind|bear in mind|do not forget|don't forget|know|be aware"
    r"|fyi|for the record"
    r"|just so you know|you should know|for your information)(?: that)?[,:]? (?=(?:i|my|i'm|i've|we|our)\b)",
    re.IGNORECASE,
)
_LEAD = re.compile(
    r"^(?:(?:and|but|so|or) |it (?:is|was|has been) (?:\w+ ){1,3}to (?:see|know|hear|realize|notice|find)"
    r" (?:that|how) (?=i\b|my\b)|it feels like (?=i\b|my\b)"
    r"|(?:i )?(?:cannot|could not) believe (?:that )?(?=i\b|my\b)|(?:yes|yeah|yep"
    r"|yup|yea|no|nope|nah|well|oh|ah|aw|aww|hmm|um|uh|ok|okay|sure|right|absolutely|definitely|exactly"
    r"|totally"
    r"|indeed|of course|certainly|true|honestly|actually|basically|anyway|anyways|also|plus|hey|hi|hello"
    r"|haha|lol|wow|thanks|thank you"
    r"|by the way|btw|besides|however|though|still|then|luckily|fortunately|unfortunately|sadly"
    r"|to be honest|tbh|in fact"
    r"|as i said|like i said|as i mentioned|i mean|i meant|i mean that|you know|guess what|sorry|good"
    r"|great|cool|nice|interesting"
    r"|specifically|overall|personally|frankly|let me introduce myself|correction|in addition"
    r"|additionally|moreover|for me)(?:[,!:;]+| -+| \u2013| \u2014|(?= (?:i|my|i'm|i've|we|our)\b)) *){1,4}",
    re.IGNORECASE,
)
_VOCATIVE = re.compile(
    r"^(?i:hey |hi |hello |yeah |yep |yes |thanks |wow |oh |no worries |totally agree "
    r"|definitely )?[A-Z]\w{1,20}[,!] (?=\w)"
)
_FIRST_PERSON_NEXT = re.compile(r"(?:I|[Mm]y|[Ww]e|[Oo]ur|[Jj]ust|[Bb]een|[Gg]oing)\b")
_TAIL = re.compile(
    r"(?:,? (?:you know|though|haha|lol|right|too|thanks|as well|by the way|btw|and all|or so|i guess"
    r"|i think))+(?=[.!\u2026]*$)",
    re.IGNORECASE,
)


def extract_statement(sentence: str) -> str | None:
    """Return a sentence (with expanded contractions) without fillers; None if it is not a statement."""
    if _GRATITUDE.search(sentence):
        return None
    sentence = _without_lead(sentence)
    if sentence.rstrip("\"')\u201d\u2019 ").endswith(("?", "\uff1f", "?!", "\u2026?")) or "?" in sentence:
        return None
    if len(sentence) < 6 or _is_no_statement(sentence):
        return None
    return _TAIL.sub("", sentence)


def _without_lead(sentence: str) -> str:
    """Return a sentence without its opening: "Yeah, Maria, I ..." -> "I ..."."""
    for _ in range(2):
        if lead := _LEAD.match(sentence):
            sentence = sentence[lead.end() :]
        vocative = _VOCATIVE.match(sentence)
        if vocative and _FIRST_PERSON_NEXT.match(sentence, vocative.end()):
            sentence = sentence[vocative.end() :]
    remember = _REMEMBER.match(sentence)
    return sentence[remember.end() :] if remember else sentence


def _is_no_statement(sentence: str) -> bool:
    return any(
        pattern.search(sentence) is not None
        for pattern in (_QUESTION, _REQUEST, _SMALL_TALK, _HYPOTHESIS, _CONDITIONAL, _META, _IMITATED_TURN)
    )
