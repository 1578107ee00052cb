"""A model that makes one fact of each turn, in its words, and gives the relations of a table to known facts."""

from itertools import product

from harness.llm_server import answers, prompt


def answering(relations, *, fields=None, only_judge=False):
    """Return an answer function for the scripted server.

    Args:
        relations: (text, known text) -> relation of the first to the second.
        fields: text -> further fields of its fact.
        only_judge: whether extraction says nothing of relations, so that the judge is asked.
    """

    def answer(request):
        if prompt.kind_of(request) == "judge":
            shown = prompt.shown_statements(request)
            pairs = ((one, other, relations.get((one.text, other.text))) for one, other in product(shown, shown))
            return answers.judgement(*((one.label, other.label, found) for one, other, found in pairs if found))
        turns = prompt.shown_turns(request)
        if not turns:
            return None
        known = () if only_judge else prompt.shown_statements(request)
        facts = []
        for turn in turns:
            found = [(one.label, relations.get((turn.content, one.text))) for one in known]
            related = [f"{label} {relation}" for label, relation in found if relation]
            more = (fields or {}).get(turn.content, {})
            facts.append(answers.fact(turn.content, [(turn.number, turn.content)], known=related, **more))
        return {"facts": facts, "episode": answers.episode(turns)}

    return answer
