"""Secrets after a question, behind a hyphenated word, and in short keys."""

from __future__ import annotations

import pytest

from afterturn.redaction import credentials


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("A senha do e-mail é girassol77", "girassol77"),
        ("La contraseña del e-mail es girasol77", "girasol77"),
        ("Password for netflix? It's popcorn!Friday9", "popcorn!Friday9"),
        ("Wifi password? sunflower88", "sunflower88"),
        ("The password of my e-mail is tulip-Rain7", "tulip-Rain7"),
        ("secret key: 3f5a9c", "3f5a9c"),
        ("client secret = 9b7d2e", "9b7d2e"),
        ("Das Passwort für das E-Mail-Konto ist Regen2020", "Regen2020"),
        ("Le mot de passe de l'e-mail est soleil77", "soleil77"),
        ("Mot de passe Netflix ? C'est popcorn77", "popcorn77"),
        ("Passwort für Netflix? popcorn77", "popcorn77"),
        ("Senha da Netflix? É popcorn77", "popcorn77"),
        ("PIN for the card? 4711", "4711"),
        ("Пароль от e-mail такой: solnce77", "solnce77"),
    ],
)
def test_it_is_redacted(text: str, secret: str) -> None:
    assert secret not in credentials.redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "Password for netflix? It's the same as before",
        "The password for the e-mail is required",
        "La contraseña del e-mail es obligatoria",
        "A senha do e-mail é obrigatória",
        "Le mot de passe de l'e-mail est oublié",
        "the code to success? It's 3 simple rules",
        "secret key: level 3b",
    ],
)
def test_what_names_no_secret_stays(text: str) -> None:
    assert credentials.redact(text) == text
