"""One call for vectors: which texts it takes, and how it changes after a refusal. No I/O."""

from __future__ import annotations

from dataclasses import replace

from afterturn.embedding.request_form import RequestForm, first_call, simpler_forms
from afterturn.endpoints.learned import Learned

#: A text that is too long for the model is cut in half until it fits. A text of at most this length is not cut: the
#: call fails.
MIN_TEXT_CHARACTERS = 64


class VectorCall:
    """One call for vectors: the texts that are left to embed, and the form of the request."""

    def __init__(self, learned: Learned[RequestForm], texts: list[str], guess: int | None) -> None:
        """Prepare a call for the first of the texts.

        Args:
            learned: what is known of the endpoint.
            texts: the texts that are left.
            guess: how many texts the endpoint seems to take, if it did not say so.
        """
        self.learned = learned
        self.form = learned.form
        self.texts = first_call(texts, self.form)[:guess]
        self.guess = guess
        self.is_walking = False
        self._forms = simpler_forms(self.form)
        #: The characters of the call that was refused as too long; None if none was.
        self._refused_characters: int | None = None

    def change(self, form: RequestForm) -> None:
        """Use another form."""
        self.form = form
        self.texts = self.texts[: form.most_texts]

    def walk(self) -> bool:
        """Change to the next simpler form, and after the last one, to fewer texts. Return False if none is left."""
        self.is_walking = True
        form = next(self._forms, None)
        if form is None:
            self.form = self.learned.form
            return self.halve()
        self.form = form
        return True

    def halve(self) -> bool:
        """Send half of the texts, if more were sent than ever succeeded. Return False otherwise."""
        if len(self.texts) == 1 or len(self.texts) <= self.form.seen_texts:
            return False
        self.texts = self.texts[: (len(self.texts) + 1) // 2]
        self.guess = len(self.texts)
        return True

    def shorten(self) -> bool:
        """Send half of the texts, or the first half of a single one. Return False if that is short enough already."""
        if len(self.texts) > 1:
            characters = [len(text) for text in self.texts]
            # Not one long text, but all of them together were too much.
            self._refused_characters = sum(characters) if max(characters) * 4 <= sum(characters) else None
            self.texts = self.texts[: len(self.texts) // 2]
            return True
        [text] = self.texts
        self.texts = [text[: len(text) // 2]]
        self._refused_characters = None
        return len(text) > MIN_TEXT_CHARACTERS

    def proven_form(self) -> RequestForm:
        """Return the form to remember after this call has succeeded."""
        form = replace(self.form, seen_texts=max(self.form.seen_texts, len(self.texts)))
        if self._refused_characters is not None:
            form = replace(form, most_characters=min(form.most_characters, self._refused_characters // 2))
        if self.guess is not None and self.guess == len(self.texts) <= self.form.seen_texts:
            # Twice as many texts were refused, and two calls of this size succeeded: it is not about one of the texts.
            form = replace(form, most_texts=self.guess)
        return form
