"""The URL of a Redis is read once, for redis-py and for Celery."""

import pytest

from afterturn.errors import SettingsError
from afterturn.hot import redis_url
from afterturn.pipeline.broker import settings as broker_settings


def broker(url):
    given = broker_settings.celery_settings(url)
    return given["broker_url"], given["broker_transport_options"]


def test_a_url_with_everything():
    read = redis_url.parse("rediss://ana:p%40ss;@db.example:7000/3?socket_timeout=5&ssl_cert_reqs=CERT_NONE&db=4")
    assert (read.hosts, read.database, read.is_tls) == ((("db.example", 7000),), 4, True)
    assert (read.username, read.password) == ("ana", "p@ss;")
    assert read.options == {"socket_timeout": 5.0, "ssl_cert_reqs": "none"}


@pytest.mark.parametrize(
    ("url", "connection"),
    [
        (
            "redis://127.0.0.1:6379/0?socket_timeout=5",
            {"host": "127.0.0.1", "port": 6379, "db": 0, "socket_timeout": 5.0},
        ),
        ("redis://localhost?db=2", {"host": "localhost", "port": 6379, "db": 2, "socket_timeout": 1.0}),
        ("redis://[::1]:7000/1", {"host": "::1", "port": 7000, "db": 1, "socket_timeout": 1.0}),
        ("redis://:secret@localhost", {"password": "secret", "socket_timeout": 1.0}),
        ("unix:///run/Redis/r.sock?db=1", {"path": "/run/Redis/r.sock", "db": 1, "socket_timeout": 1.0}),
        ("redis+socket:///run/r.sock?virtual_host=1", {"path": "/run/r.sock", "db": 1}),
        ("rediss://localhost?ssl_cert_reqs=none", {"ssl_cert_reqs": "none"}),
    ],
)
def test_clients_of_both_kinds_connect_to_it(url, connection):
    for client in (
        redis_url.open_client(url, socket_timeout=1.0),
        redis_url.open_async_client(url, socket_timeout=1.0),
    ):
        arguments = client.connection_pool.connection_kwargs
        assert {name: arguments[name] for name in connection} == connection
        client.connection_pool.make_connection()  # takes all arguments


def test_the_login_may_be_an_option_too():
    read = redis_url.parse("unix:///run/r.sock?username=ana&password=secret")
    assert (read.username, read.password) == ("ana", "secret")


@pytest.mark.parametrize("scheme", ["sentinel", "redis+sentinel"])
def test_sentinels(scheme):
    read = redis_url.parse(f"{scheme}://:secret@one:26379,two/mymaster/2?sentinel_password=other")
    assert (read.hosts, read.master, read.database) == ((("one", 26379), ("two", 26379)), "mymaster", 2)
    assert (read.password, read.sentinel_login) == ("secret", {"password": "other"})
    assert redis_url.open_client(f"{scheme}://one,two/mymaster").connection_pool.service_name == "mymaster"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://localhost", "must begin with one of redis://"),
        ("redis://localhost/zero", "its database must be a number"),
        ("redis://localhost:port/0", "Port could not be cast"),
        ("redis://localhost/0?socket_timeout=soon", "its option socket_timeout is not valid"),
        ("redis://localhost/0?sockettimeout=5", "its option sockettimeout is unknown; known are "),
        ("redis://localhost/0?decode_responses=true", "its option decode_responses is unknown"),
        ("rediss://localhost/0?ssl_cert_reqs=maybe", "its option ssl_cert_reqs is not valid"),
        ("unix://?db=1", "does not name the socket"),
        ("sentinel://one:26379;sentinel://two:26379", "separate its Sentinels by commas"),
        ("sentinel://one:26379,two:26379", "does not name the master"),
        ("sentinel://one:26379/0", "does not name the master"),
    ],
)
def test_what_nobody_would_understand_is_refused_with_the_setting_s_name(url, problem):
    with pytest.raises(SettingsError, match="AFTERTURN_REDIS_URL: ") as refused:
        redis_url.parse(url)
    assert problem in str(refused.value)


def test_no_error_shows_the_password():
    with pytest.raises(SettingsError) as refused:
        redis_url.parse("redis://:s3cret@localhost/0?password=s3cret&strange=s3cret")
    assert "s3cret" not in str(refused.value)


def test_the_broker_gets_options_that_kombu_would_not_read():
    url, options = broker("redis://:p%2Fw@localhost:7000/3?socket_timeout=9&client_name=me")
    assert url == "redis://:p%2Fw@localhost:7000/3"
    assert options["connection_options"] == {"socket_timeout": 9.0, "client_name": "me"}


def test_what_flower_shows_of_the_broker_is_no_secret():
    for url in ("unix:///run/r.sock?password=s3cret", "rediss://:s3cret@localhost/1?ssl_cert_reqs=none"):
        assert "s3cret" not in str(broker(url)[1])


def test_the_broker_may_be_sentinels():
    url, options = broker("sentinel://:pw@one:26379,two:26380/mymaster/1?sentinel_password=other")
    assert url == "sentinel://:pw@one:26379/1;sentinel://:pw@two:26380/1"
    assert (options["master_name"], options["sentinel_kwargs"]) == ("mymaster", {"password": "other"})


def test_another_broker_s_url_is_left_as_it_is():
    assert broker("amqp://guest@localhost//?heartbeat=10") == ("amqp://guest@localhost//?heartbeat=10", {})
