"""The rules of detect-secrets for keys of providers, beside our own.

Only its detectors of fixed forms are used. Those of entropy and of keywords are made for source code: in sentences they
report words.
"""

from __future__ import annotations

import functools
import importlib.util
import re
from collections.abc import Iterator
from typing import Any

#: Modules of detect_secrets.plugins and their classes.
_DETECTORS = {
    "artifactory": "ArtifactoryDetector",
    "aws": "AWSKeyDetector",
    "azure_storage_key": "AzureStorageKeyDetector",
    "basic_auth": "BasicAuthDetector",
    "cloudant": "CloudantDetector",
    "discord": "DiscordBotTokenDetector",
    "github_token": "GitHubTokenDetector",
    "gitlab_token": "GitLabTokenDetector",
    "ibm_cloud_iam": "IbmCloudIamDetector",
    "ibm_cos_hmac": "IbmCosHmacDetector",
    "jwt": "JwtTokenDetector",
    "mailchimp": "MailchimpDetector",
    "npm": "NpmDetector",
    "openai": "OpenAIDetector",
    "pypi_token": "PypiTokenDetector",
    "sendgrid": "SendGridDetector",
    "slack": "SlackDetector",
    "softlayer": "SoftlayerDetector",
    "square_oauth": "SquareOAuthDetector",
    "stripe": "StripeDetector",
    "telegram_token": "TelegramBotTokenDetector",
    "twilio": "TwilioKeyDetector",
}
#: What these detectors report is in a long word with a digit, or a password in a URL. Other lines are not searched.
_MIN_CHARACTERS = 16
#: Longer lines are searched in pieces: some of the expressions need time that grows faster than the text.
_PIECE = re.compile(r"[^\n]{1,1000}")


@functools.cache
def _detectors() -> tuple[Any, ...]:
    """Return the detectors; none where the library is not installed (it belongs to the extra `openai`)."""
    if importlib.util.find_spec("detect_secrets") is None:
        return ()
    return tuple(
        getattr(importlib.import_module(f"detect_secrets.plugins.{module}"), name)()
        for module, name in _DETECTORS.items()
    )


def find_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each secret in `text` that a detector of the library reports."""
    for piece in _PIECE.finditer(text):
        line = piece.group()
        if not any("://" in word or (len(word) >= _MIN_CHARACTERS and _has_digit(word)) for word in line.split()):
            continue
        for secret in {secret for detector in _detectors() for secret in detector.analyze_string(line) if secret}:
            yield from ((piece.start() + start, piece.start() + start + len(secret)) for start in _places(line, secret))


def _has_digit(word: str) -> bool:
    return any(map(str.isdigit, word))


def _places(text: str, part: str) -> Iterator[int]:
    place = text.find(part)
    while place >= 0:
        yield place
        place = text.find(part, place + len(part))
