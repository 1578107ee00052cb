"""An embedder whose vectors do not fit the database is refused at the start, with the settings to look at."""

import psycopg
import pytest

from afterturn import settings as settings_module
from afterturn.embedding import spaces
from afterturn.errors import ModelUnavailable, SettingsError
from harness.llm_server import LLMServer
from harness.llm_server.personality import Personality, Rule, error, is_not


@pytest.fixture
def empty(settings):
    """A transaction without any embedding space, which is rolled back."""
    with psycopg.connect(settings.postgres_url.get_secret_value()) as connection:
        connection.execute("DELETE FROM embedding_spaces")
        yield connection
        connection.rollback()


def settings_of(server, **more):
    values = {"EMBEDDER": "openai", "EMBEDDING_MODEL": "m-1", "EMBEDDING_BASE_URL": server.base_url, **more}
    return settings_module.load({f"AFTERTURN_{name}": value for name, value in values.items()})


def read(connection):
    return connection.execute("SELECT provider, model, dimension FROM embedding_spaces").fetchall()


def test_a_new_database_gets_the_dimension_of_the_model(empty):
    with LLMServer() as server:
        spaces.ensure_first_space(empty, settings_of(server))
    assert read(empty) == [("openai", "m-1", 256)]


def test_a_new_database_gets_no_dimension_that_the_model_does_not_give(empty):
    with LLMServer(without=("dimensions",)) as server, pytest.raises(SettingsError, match="256, not 64") as raised:
        spaces.ensure_first_space(empty, settings_of(server, EMBEDDING_DIMENSION="64"))
    assert "AFTERTURN_EMBEDDING_DIMENSION" in str(raised.value)
    assert read(empty) == []


def test_a_model_that_was_exchanged_is_noticed_at_the_next_start(empty):
    with LLMServer() as server:
        spaces.ensure_first_space(empty, settings_of(server, EMBEDDING_DIMENSION="64"))
    with LLMServer(without=("dimensions",)) as server, pytest.raises(SettingsError, match="AFTERTURN_EMBEDDING_MODEL"):
        spaces.ensure_first_space(empty, settings_of(server))
    assert read(empty) == [("openai", "m-1", 64)]


def test_an_endpoint_that_is_away_stops_no_start_where_the_dimension_is_known(empty):
    with LLMServer() as server:
        server.fail("status", status=503)
        with pytest.raises(ModelUnavailable):
            spaces.ensure_first_space(empty, settings_of(server))
        for _ in range(2):
            spaces.ensure_first_space(empty, settings_of(server, EMBEDDING_DIMENSION="64"))
    assert read(empty) == [("openai", "m-1", 64)]


@pytest.mark.parametrize("refused", ['"encoding_format" is not supported', "Bad Request"])
def test_floats_are_enough_for_a_new_database(empty, refused):
    rule = Rule(hits=is_not("encoding_format", "float"), body=error(refused))
    with LLMServer(personality=Personality(name="floats", embeddings=(rule,))) as server:
        spaces.ensure_first_space(empty, settings_of(server))
    assert read(empty) == [("openai", "m-1", 256)]
