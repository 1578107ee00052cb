"""Settings: read from the environment, unknown and invalid ones refused by name."""

from pathlib import Path

import pytest

from afterturn import settings
from afterturn.errors import SettingsError
from afterturn.settings import Settings

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"


def test_defaults_need_no_environment():
    loaded = settings.load({"PATH": "/bin", "UNRELATED": "x"})
    assert loaded.is_offline
    assert loaded.celery_broker_url == loaded.redis_url


def test_values_are_read_and_empty_ones_are_unset():
    loaded = settings.load({"AFTERTURN_BATCH_TURNS": "7", "AFTERTURN_LLM_BASE_URL": "", "AFTERTURN_EMBEDDER": "openai"})
    assert (loaded.batch_turns, loaded.llm_base_url, loaded.embedder) == (7, None, "openai")


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("AFTERTURN_REDS_URL", "x", "unknown setting AFTERTURN_REDS_URL; did you mean AFTERTURN_REDIS_URL"),
        ("AFTERTURN_XYZZY", "x", "unknown setting AFTERTURN_XYZZY"),
        ("AFTERTURN_API_PORT", "many", "AFTERTURN_API_PORT"),
        ("AFTERTURN_API_PORT", "70000", "AFTERTURN_API_PORT"),
        ("AFTERTURN_EMBEDDER", "magic", "AFTERTURN_EMBEDDER"),
        ("AFTERTURN_BATCH_TURNS", "0", "AFTERTURN_BATCH_TURNS"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_name(variable, value, message):
    with pytest.raises(SettingsError, match=message):
        settings.load({variable: value})


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("afterturn_redis_url", "AFTERTURN_REDIS_URL"),
        ("Afterturn_Redis_Url", "AFTERTURN_REDIS_URL"),
        ("AFTER_TURN_REDIS_URL", "AFTERTURN_REDIS_URL"),
        ("AFTERTURNREDIS_URL", "AFTERTURN_REDIS_URL"),
        ("AFTERTRUN_REDIS_URL", "AFTERTURN_REDIS_URL"),
        ("AFTRTURN_EMBEDDER", "AFTERTURN_EMBEDDER"),
        ("AFTERTURNS_EMBEDDING_MODEL", "AFTERTURN_EMBEDDING_MODEL"),
        ("AFTERTURN_EMBEDDERS", "AFTERTURN_EMBEDDER"),
    ],
)
def test_a_typing_error_is_refused_with_the_name_that_is_meant(variable, meant):
    with pytest.raises(SettingsError, match=f"unknown setting {variable}; did you mean {meant}"):
        settings.load({variable: "x"})


def test_variables_of_others_are_left_alone():
    settings.load({"AFTERTURN": "1", "AFTER": "x", "AFTP_PROXY": "y", "REDIS_URL": "z", "AFTERMATH_HOME": "/"})


@pytest.mark.parametrize(
    "variable", ["AFTERTURN_SERVICE_HOST", "AFTERTURN_PORT_8600_TCP_ADDR", "AFTERTURN_SERVICE_PORT_API"]
)
def test_what_kubernetes_sets_is_explained(variable):
    with pytest.raises(SettingsError, match="enableServiceLinks"):
        settings.load({variable: "x"})


@pytest.mark.parametrize("value", ["[1]", "{sk-1", '{"m": 1}', '{"m": {"key": "k"}}', '{"m": {"path": 3}}'])
def test_the_places_of_other_models_are_objects_and_no_message_has_their_keys(value):
    with pytest.raises(SettingsError, match="AFTERTURN_EMBEDDING_OTHER_MODELS") as caught:
        settings.load({"AFTERTURN_EMBEDDING_OTHER_MODELS": value})
    assert value not in str(caught.value)


def test_a_secret_is_in_no_message_and_no_representation():
    with pytest.raises(SettingsError) as caught:
        settings.load({"AFTERTURN_LLM_API_KEY": "sk-secret", "AFTERTURN_API_PORT": "sk-secret"})
    assert "sk-secret" not in str(caught.value)
    assert "sk-secret" not in repr(settings.load({"AFTERTURN_LLM_API_KEY": "sk-secret"}))


def test_the_reference_is_up_to_date():
    assert settings.markdown_table() in REFERENCE.read_text(), "paste the output of `afterturn settings --markdown`"


def test_every_setting_is_described():
    assert all(field.description for field in Settings.model_fields.values())
