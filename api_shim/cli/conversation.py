"""A conversation at the terminal with a model that remembers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from rich.console import Console
from rich.markup import escape

from afterturn import MemoryClient, extras
from afterturn import settings as settings_module
from afterturn.context.context import Context
from afterturn.errors import MemoryUnavailable, ModelError, SettingsError
from afterturn.facts.fact import Fact
from afterturn.llm.client import LLM

#: How long the end of a conversation waits until everything that was said is learnt.
LEARNING_SECONDS = 60.0


class Conversation:
    """Reads lines from standard input, answers each with the model, and shows what memory had to do with it."""

    def __init__(
        self,
        memory: MemoryClient,
        *,
        name: str | None,
        system: str | None,
        context_tokens: int,
        answer_tokens: int,
    ) -> None:
        """Open the model of the settings. Raises SettingsError if they name none, or MissingExtra.

        Args:
            memory: the client of the user and the conversation.
            name: the user's name.
            system: the model's instructions; none if empty.
            context_tokens: the largest number of tokens of memory and history.
            answer_tokens: the largest number of tokens of an answer.
        """
        extras.require("openai", "talking to a model")
        settings = settings_module.load()
        if settings.llm_api_key is None and settings.llm_base_url is None:
            raise SettingsError("no model is configured: set AFTERTURN_LLM_API_KEY, or AFTERTURN_LLM_BASE_URL")
        self._model = LLM.from_settings(settings)
        self._memory = memory
        self._name = name
        self._system = system
        self._context_tokens = context_tokens
        self._answer_tokens = answer_tokens
        self._known = {fact.fact_id for fact in self._facts()}
        self._console = Console(highlight=False)

    def run(self) -> None:
        """Talk until the input ends. Ctrl-C ends as well."""
        try:
            for text in self._lines():
                self._show_learnt()
                self._answer(text)
        except KeyboardInterrupt:
            self._console.print()
        self._end()

    def _lines(self) -> Iterator[str]:
        """Yield the lines that the user types, until an empty one."""
        prompt = "[bold]you[/] " if sys.stdin.isatty() else ""
        while True:
            try:
                text = self._console.input(prompt).strip()
            except EOFError:
                return
            if not text:
                return
            yield text

    def _answer(self, text: str) -> None:
        """Print the model's answer to `text`, and write both as turns."""
        context = self._memory.context(text, self._context_tokens)
        messages = [*self._instructions(), *context.messages, {"role": "user", "content": text}]
        self._memory.write("user", text, name=self._name)
        self._console.print("[bold]model[/] ", end="")
        said: list[str] = []
        try:
            self._stream(messages, said)
        except ModelError as error:
            self._console.print(f"[red]{escape(f'[{error.code}] {error}')}[/]", soft_wrap=True)
        finally:
            if said:
                self._memory.write("assistant", "".join(said), memories_shown=context.memory_ids)
        self._show_used(context)
        self._memory.flush()

    def _stream(self, messages: list[dict[str, Any]], said: list[str]) -> None:
        """Print the answer while it comes, and add its pieces to `said`."""
        with closing(self._model.stream(messages, max_tokens=self._answer_tokens)) as pieces:
            for piece in pieces:
                if isinstance(piece, str):
                    said.append(piece)
                    self._console.print(escape(piece), end="", soft_wrap=True)
        self._console.print()

    def _instructions(self) -> list[dict[str, Any]]:
        return [{"role": "system", "content": self._system}] if self._system else []

    def _show_used(self, context: Context) -> None:
        """Print the lines of the memories that the model was shown."""
        for line in _memory_lines(context):
            self._console.print(f"  [dim]remembered: {escape(line)}[/]", soft_wrap=True)

    def _show_learnt(self) -> None:
        """Print the facts that are new since the last time."""
        for fact in self._facts():
            if fact.fact_id not in self._known:
                self._known.add(fact.fact_id)
                self._console.print(f"  [green]learnt: {escape(fact.text)}[/]", soft_wrap=True)

    def _facts(self) -> list[Fact]:
        try:
            return self._memory.facts(limit=1_000)
        except MemoryUnavailable:
            return []

    def _end(self) -> None:
        """Wait until what was said is learnt, and show it."""
        try:
            with self._console.status("learning"):
                self._memory.flush(LEARNING_SECONDS)
        except KeyboardInterrupt:
            return
        self._show_learnt()


def _memory_lines(context: Context) -> Iterator[str]:
    """Yield the lines of the memory block that are memories, without their ids."""
    labels = set(context.labels)
    for message in context.messages[:1]:
        for line in str(message.get("content") or "").splitlines():
            if any(label in line[:40] for label in labels):
                yield line
