"""A model that makes one fact of each turn, in its words, and gives the relations of a table to facts that it is shown."""

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
            return answers.judgement(
                *((one.label, other.label, relation) for one, other, relation in pairs if relation)
            )
        turns = prompt.shown_turns(request)
        if not turns:
            return None
        known = () if only_judge else prompt.shown_statements(request)
        facts = []
        for turn in turns:
            related = [
                f"{one.label} {relations[turn.content, one.text]}"
                for one in known
                if (turn.content, one.text) in relations
            ]
            more = (fields or {}).get(turn.content, {})
            facts.append(answers.fact(turn.content, [(turn.number, turn.content)], known=related, **more))
        return {"facts": facts, "episode": answers.episode(turns)}

    return answer
