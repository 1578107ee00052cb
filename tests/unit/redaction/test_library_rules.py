"""No match of a detector is lost by the rule that rules it out: each expression of the library has a short match here.

The examples are put together from pieces, so that none stands in this file.
"""

from __future__ import annotations

import pytest

from afterturn.redaction import library_rules
from afterturn.redaction.long_words import find_long_words

_HEX = "0123456789abcdef" * 4
_LETTERS = "abcdefghijklmnopqrstuvwx"
_MIXED = "a1" * 60

#: By module of detect_secrets.plugins: one match of each of its expressions, in their order.
_MATCHES = {
    "artifactory": (f"AKC{_MIXED[:10]}", f"AP1{_MIXED[:8]}"),
    "aws": (f"AKIA{'A1' * 8}", f'aws key "{_MIXED[:40]}"'),
    "azure_storage_key": (f"AccountKey={'a1/+' * 22}",),
    "basic_auth": ("://u:p4ss@host",),
    "cloudant": (
        f"cl_key={_HEX}",
        f"cl_key={_LETTERS}",
        f"https://a:{_HEX}@b.cloudant.com",
        f"https://a:{_LETTERS}@b.cloudant.com",
    ),
    "discord": (f"M{_MIXED[:23]}.{_MIXED[:6]}.{_MIXED[:27]}",),
    "github_token": (f"ghp_{_MIXED[:36]}",),
    "gitlab_token": (
        f"gldt-{_MIXED[:20]}",
        f"GR1348941{_MIXED[:20]}",
        f"glcbt-a1_{_MIXED[:20]}",
        f"glimt-{_MIXED[:25]}",
        f"glptt-{_MIXED[:40]}",
        f"glagent-{_MIXED[:50]}",
        f"gloas-{_MIXED[:64]}",
    ),
    "ibm_cloud_iam": (f"key={_MIXED[:44]}",),
    "ibm_cos_hmac": (f"secret_key={_HEX[:48]}",),
    "jwt": ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjMifQ",),
    "mailchimp": (f"{_MIXED[:32]}-us1",),
    "npm": ("//r/:_authToken= npm_x",),
    "openai": (f"sk-{_MIXED[:20]}T3BlbkFJ{_MIXED[:20]}",),
    "pypi_token": (f"pypi-AgEIcHlwaS5vcmc{_MIXED[:70]}", f"pypi-AgENdGVzdC5weXBpLm9yZw{_MIXED[:70]}"),
    "sendgrid": (f"SG.{_MIXED[:22]}.{_MIXED[:43]}",),
    "slack": ("XoXb-1-a", "https://hooks.slack.com/services/T1/B2/c"),
    "softlayer": (f"sl_key={_HEX}", f"https://api.softlayer.com/soap/v3/{_HEX}"),
    "square_oauth": (f"sq0csp-{chr(92) * 43}",),
    "stripe": (f"rk_live_{_MIXED[:24]}",),
    "telegram_token": (f"12345678:{_MIXED[:35]}",),
    "twilio": (f"AC{_MIXED[:32]}", f"SK{_MIXED[:32]}"),
}
#: A line is searched only if it has such a word, or a password in a URL.
_LONG_WORD = "order-2024-0000017"


def test_every_expression_of_the_library_has_a_match_here() -> None:
    detectors = library_rules._detectors()
    assert detectors.keys() == _MATCHES.keys()
    for module, detector in detectors.items():
        assert len(detector.denylist) == len(_MATCHES[module])
        for expression, text in zip(detector.denylist, _MATCHES[module], strict=True):
            assert expression.search(text), f"{module}: {expression.pattern}"


@pytest.mark.parametrize(("module", "text"), [(name, text) for name, texts in _MATCHES.items() for text in texts])
def test_no_match_of_a_detector_is_ruled_out(module: str, text: str) -> None:
    line = f"{text} {_LONG_WORD}"
    wanted = set(library_rules._detectors()[module].analyze_string(line))
    for around in (line, f"Thank you!\n{line}\nBye", f"{'so ' * 400}\n{line}"):
        spans = library_rules.find_spans(around, find_long_words(around))
        assert wanted
        assert wanted <= {around[first:last] for first, last in spans}


def test_a_plain_sentence_selects_no_rule() -> None:
    text = "We moved to the house near the river (2026-01-05T10:00:00+00:00), and my sister likes it: a lot!"
    assert library_rules._select(library_rules._RULES, text, find_long_words(text)) == []
