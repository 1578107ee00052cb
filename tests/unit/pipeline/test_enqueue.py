"""The producer and the worker use our broker, whatever the environment says to Celery."""

import queue
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from urllib.parse import quote

import certifi
import pytest

from afterturn.errors import SettingsError
from afterturn.pipeline.broker.settings import celery_settings
from afterturn.pipeline.enqueue import Enqueue

SHOW = """
from afterturn.pipeline.enqueue import Enqueue
from afterturn.worker.app import app
print(Enqueue("redis://ours:1/0")._celery.connection_for_write().as_uri())
print(app.connection_for_read().as_uri(), app.connection_for_write().as_uri())
"""


def test_the_agents_own_celery_settings_do_not_reach_ours(empty_directory):
    environment = {"CELERY_BROKER_URL": "redis://theirs:9/0", "AFTERTURN_REDIS_URL": "redis://ours:1/0"}
    shown = subprocess.run(
        [sys.executable, "-c", SHOW], env=environment, cwd=empty_directory, capture_output=True, text=True, check=True
    ).stdout
    assert shown.split() == ["redis://ours:1/0"] * 3


@pytest.fixture
def unknown_certificate(tmp_path):
    """A TLS server on loopback whose certificate nobody has signed: its port, and what became of each handshake."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", "-days", "2"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    handshakes = queue.Queue()

    def accept():
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(connection, server_side=True) as secured:
                    handshakes.put("accepted" if secured.recv(1) else "refused")
            except OSError:
                handshakes.put("refused")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=accept)
        thread.start()
        yield listening.getsockname()[1], handshakes
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.mark.parametrize(
    ("query", "outcome"),
    [
        ("", "refused"),
        ("?ssl_cert_reqs=required", "refused"),
        (f"?ssl_ca_certs={quote(certifi.where())}", "refused"),
        ("?ssl_cert_reqs=none", "accepted"),
    ],
)
def test_the_broker_s_certificate_is_checked(unknown_certificate, query, outcome):
    port, handshakes = unknown_certificate
    enqueue = Enqueue(f"rediss://127.0.0.1:{port}/0{query}")
    try:
        assert enqueue.send("sweep") is False
    finally:
        enqueue.close()
    assert handshakes.get(timeout=60) == outcome


@pytest.mark.parametrize(
    ("url", "expected", "options"),
    [
        ("redis://host:6379/0", "redis://host:6379/0", {}),
        ("amqps://host//", "amqps://host//", None),
        (
            "rediss://:p%40ss@host/0?ssl_ca_certs=/ca",
            "rediss://:p%40ss@host:6379/0",
            {"ssl_ca_certs": "/ca", "ssl_cert_reqs": "required", "tls": True},
        ),
        ("rediss://host/0?ssl_cert_reqs=none", "rediss://host:6379/0", {"ssl_cert_reqs": "none", "tls": True}),
    ],
)
def test_what_a_url_says_of_the_certificate_reaches_the_connection(url, expected, options):
    given = celery_settings(url)
    urls = {name: given[name] for name in ("broker_url", "broker_read_url", "broker_write_url")}
    assert urls == dict.fromkeys(urls, expected)
    assert given["broker_transport_options"].get("connection_options") == options


@pytest.mark.parametrize("url", ["sentinel://a:26379;sentinel://b:26379", "rediss://a/0;rediss://b/0"])
def test_a_list_of_urls_is_refused(url):
    with pytest.raises(SettingsError):
        celery_settings(url)
