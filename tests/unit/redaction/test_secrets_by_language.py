"""Passwords and keys are found in twelve languages, and sentences that only speak of them are left as they are."""

from __future__ import annotations

import pytest

from afterturn.redaction import credentials

SECRET = "Blau-Pferd-99!x"
SAID = {
    "ar": "كلمة المرور للبريد هي {}",
    "de": "Mein Passwort für die Bank ist {}",
    "en": "The password for the router is {}",
    "es": "La contraseña del correo es {}",
    "hi": "मेरे ईमेल का पासवर्ड है: {}",
    "ja": "メールのパスワードは「{}」です。",
    "ko": "메일 비밀번호는 '{}'예요.",
    "pt": "A senha do banco é {}",
    "ru": "Пароль от почты — {}",
    "th": 'รหัสผ่านอีเมลคือ "{}"',
    "tr": "E-posta şifrem {}",
    "zh": "邮箱的密码是 {}。",
}
HARMLESS = {
    "ar": "نسيت كلمة المرور مرة أخرى.",
    "de": "Ich habe mein Passwort vergessen.",
    "en": "I forgot my password again.",
    "es": "He olvidado mi contraseña.",
    "hi": "मैं अपना पासवर्ड भूल गई।",
    "ja": "パスワードを忘れました。",
    "ko": "비밀번호를 잊어버렸어요.",
    "pt": "Esqueci minha senha.",
    "ru": "Я забыла пароль.",
    "th": "ฉันลืมรหัสผ่าน",
    "tr": "Şifremi unuttum.",
    "zh": "我忘了密码。",
}


@pytest.mark.parametrize("language", SAID)
def test_a_password_is_redacted_in_each_language(language: str) -> None:
    assert "Pferd" not in credentials.redact(SAID[language].format(SECRET))


@pytest.mark.parametrize("language", HARMLESS)
def test_a_sentence_about_a_password_is_left_as_it_is(language: str) -> None:
    assert credentials.redact(HARMLESS[language]) == HARMLESS[language]
