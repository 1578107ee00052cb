"""The rules of detect-secrets for keys of providers, beside our own.

Only its detectors of fixed forms are used. Those of entropy and of keywords are made for source code: in sentences they
report words.
"""

from __future__ import annotations

import functools
import importlib.util
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from afterturn.redaction.long_words import LongWord, find_long_words


@dataclass(frozen=True, slots=True)
class _Rule:
    """A detector of the library, and what its matches have: most texts are ruled out without its expressions.

    A detector has several rules if its matches have nothing in common.
    """

    #: Module of detect_secrets.plugins, and the class in it.
    module: str
    detector: str
    #: A match contains this, in this case or in lower case if the detector ignores case.
    sign: str
    #: A match has a row of so many characters of keys.
    min_row: int


_RULES = (
    _Rule("artifactory", "ArtifactoryDetector", "AKC", 13),
    _Rule("artifactory", "ArtifactoryDetector", "AP", 11),
    *(_Rule("aws", "AWSKeyDetector", first, 20) for first in ("A3T", "ABIA", "ACCA", "AKIA", "ASIA")),
    _Rule("aws", "AWSKeyDetector", "aw", 40),
    _Rule("azure_storage_key", "AzureStorageKeyDetector", "AccountKey=", 88),
    _Rule("basic_auth", "BasicAuthDetector", "://", 0),
    _Rule("cloudant", "CloudantDetector", "", 24),
    _Rule("discord", "DiscordBotTokenDetector", ".", 24),
    _Rule("github_token", "GitHubTokenDetector", "gh", 40),
    _Rule("gitlab_token", "GitLabTokenDetector", "gl", 25),
    _Rule("gitlab_token", "GitLabTokenDetector", "GR1348941", 29),
    _Rule("ibm_cloud_iam", "IbmCloudIamDetector", "", 44),
    _Rule("ibm_cos_hmac", "IbmCosHmacDetector", "", 48),
    _Rule("jwt", "JwtTokenDetector", "eyJ", 0),
    _Rule("mailchimp", "MailchimpDetector", "-us", 35),
    _Rule("npm", "NpmDetector", ":_authToken=", 11),
    _Rule("openai", "OpenAIDetector", "T3BlbkFJ", 40),
    _Rule("pypi_token", "PypiTokenDetector", "pypi-", 70),
    _Rule("sendgrid", "SendGridDetector", "SG.", 22),
    _Rule("slack", "SlackDetector", "xox", 0),
    _Rule("slack", "SlackDetector", "://hooks.", 0),
    _Rule("softlayer", "SoftlayerDetector", "", 64),
    _Rule("square_oauth", "SquareOAuthDetector", "sq0csp-", 0),
    _Rule("stripe", "StripeDetector", "k_live_", 32),
    _Rule("telegram_token", "TelegramBotTokenDetector", ":", 35),
    _Rule("twilio", "TwilioKeyDetector", "AC", 34),
    _Rule("twilio", "TwilioKeyDetector", "SK", 34),
)
#: What these detectors report is in a long word with a digit, or a password in a URL. Other lines are not searched.
_MIN_CHARACTERS = 16
#: Longer lines are searched in pieces: some of the expressions need time that grows faster than the text.
_PIECE = re.compile(r"[^\n]{1,1000}")


@functools.cache
def _detectors() -> dict[str, Any]:
    """Return the detectors by module; none where the library is not installed (it belongs to the extra `openai`)."""
    if importlib.util.find_spec("detect_secrets") is None:
        return {}
    modules = {rule: importlib.import_module(f"detect_secrets.plugins.{rule.module}") for rule in _RULES}
    return {rule.module: getattr(module, rule.detector)() for rule, module in modules.items()}


def find_spans(text: str, words: Sequence[LongWord]) -> Iterator[tuple[int, int]]:
    """Yield start and end of each secret in `text` that a detector of the library reports.

    `words` are the long words of the text.
    """
    if not words and "://" not in text:
        return
    rules = _select(_RULES, text, words)
    if not rules or not (detectors := _detectors()):
        return
    for piece in _PIECE.finditer(text):
        line = piece.group()
        modules = {rule.module for rule in _select(rules, line, find_long_words(line))}
        if not modules or not any("://" in word or _is_long_with_digit(word) for word in line.split()):
            continue
        for secret in {secret for module in modules for secret in detectors[module].analyze_string(line) if secret}:
            yield from ((piece.start() + start, piece.start() + start + len(secret)) for start in _places(line, secret))


def _select(rules: Sequence[_Rule], text: str, words: Sequence[LongWord]) -> list[_Rule]:
    """Return the rules that can have a match in a text with these long words."""
    folded = text.lower()
    longest = max([word.longest_row for word in words], default=0)
    return [rule for rule in rules if rule.min_row <= longest and (rule.sign in text or rule.sign in folded)]


def _is_long_with_digit(word: str) -> bool:
    return len(word) >= _MIN_CHARACTERS and any(map(str.isdigit, word))


def _places(text: str, part: str) -> Iterator[int]:
    place = text.find(part)
    while place >= 0:
        yield place
        place = text.find(part, place + len(part))
