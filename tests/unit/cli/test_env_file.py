"""Settings in a file `.env` beside the caller."""

from __future__ import annotations

import os

import pytest

from afterturn.errors import SettingsError
from api_shim.cli import env_file


@pytest.fixture(autouse=True)
def clean(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    # setenv and delenv, so that what the file sets is taken back afterwards.
    for name in ("AFTERTURN_TENANT", "AFTERTURN_LLM_MODEL", "OTHER"):
        monkeypatch.setenv(name, "before")
        monkeypatch.delenv(name)


def test_settings_of_the_file_are_used_and_the_environment_comes_first(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text('# ours\nexport AFTERTURN_TENANT="a b"\nAFTERTURN_LLM_MODEL=one\nOTHER=x\n')
    monkeypatch.setenv("AFTERTURN_LLM_MODEL", "two")
    env_file.load()
    assert (os.environ["AFTERTURN_TENANT"], os.environ["AFTERTURN_LLM_MODEL"]) == ("a b", "two")
    assert "OTHER" not in os.environ


def test_without_a_file_nothing_happens():
    env_file.load()
    assert "AFTERTURN_TENANT" not in os.environ


def test_an_unreadable_file_is_named(tmp_path):
    (tmp_path / ".env").write_bytes(b"AFTERTURN_TENANT=\xff\xfe\n")
    with pytest.raises(SettingsError, match=r"\.env cannot be read"):
        env_file.load()


def test_a_setting_that_does_not_exist_is_named(tmp_path, command):
    (tmp_path / ".env").write_text("AFTERTURN_TENNANT=x\n")
    try:
        ended = command("history", "ana")
    finally:
        os.environ.pop("AFTERTURN_TENNANT", None)
    assert (ended.code, "AFTERTURN_TENNANT" in ended.error) == (2, True)
