"""Secret numbers with check digits or a fixed form: cards, bank accounts (IBAN), social security numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator

_DIGITS = re.compile(r"(?<![\d.\w])\d(?:[ -]?\d){12,18}(?![\d.]\d|\d)")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]){11,30}\b")
_SOCIAL_SECURITY = re.compile(r"(?<![\d-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])")
#: The first digits and lengths of the issuers of cards.
_ISSUER = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12})|3[47]\d{13}"
    r"|(?:6011|64[4-9]\d|65\d\d)\d{12}|3(?:0[0-5]|[68]\d)\d{11}|35(?:2[89]|[3-8]\d)\d{12}|62\d{14,17}"
)
#: Words before a number that is no card, although its check digit fits: that is so for one in ten numbers.
_OTHER_NUMBER = re.compile(
    r"(?:order|tracking|invoice|isbn|ean|gtin|imei|serial|ticket|case|reference|booking|parcel|shipment|customer"
    r"|bestell\w*|sendungs\w*|rechnungs\w*|pedido|factura|commande|facture|encomenda|fatura)[\w .:#\u00b0-]{0,20}$",
    re.IGNORECASE,
)


def find_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each number in `text` that is a secret. The text has a digit."""
    for match in _DIGITS.finditer(text):
        if _is_card(match.group()) and not _OTHER_NUMBER.search(text, max(0, match.start() - 40), match.start()):
            yield match.span()
    for match in _IBAN.finditer(text):
        if length := _iban_length(match.group()):
            yield match.start(), match.start() + length
    yield from (match.span() for match in _SOCIAL_SECURITY.finditer(text))


def _is_card(written: str) -> bool:
    """Return whether digits can be a card number: by the issuer and the check digit (Luhn algorithm)."""
    digits = [int(character) for character in written if character.isdigit()]
    if _ISSUER.fullmatch("".join(map(str, digits))) is None:
        return False
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(doubled) + sum(digits[-1::-2])) % 10 == 0


def _iban_length(written: str) -> int | None:
    """Return how many characters of `written` are an IBAN; None if it contains none.

    The remainder of an IBAN divided by 97 is 1 (ISO 13616).
    """
    while len(compact := written.replace(" ", "")) >= 15:
        rearranged = compact[4:] + compact[:4]
        if int("".join(str(int(character, 36)) for character in rearranged)) % 97 == 1:
            return len(written)
        # The last word may follow the IBAN without belonging to it.
        written = written.rpartition(" ")[0]
    return None
