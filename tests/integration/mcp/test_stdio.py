"""The process of `afterturn mcp` over stdio: its output, its end, and what it does with lines that are no messages."""

import json
import logging
import os
import signal
import subprocess
import time

import pytest

from afterturn import MemoryClient
from api_shim.mcp import process_logs
from harness.waiting import wait_until
from tests.integration.mcp.conftest import command, variables_of, with_settings

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": "start",
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}},
}
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}


def call(request_id, tool, **arguments):
    return {
        "jsonrpc": "2.0",
        "id": request_id,
        "method": "tools/call",
        "params": {"name": tool, "arguments": arguments},
    }


def lines_of(*messages):
    return b"".join((each if isinstance(each, bytes) else json.dumps(each).encode()) + b"\n" for each in messages)


class Process:
    """One `afterturn mcp`, with pipes."""

    def __init__(self, settings, *arguments):
        self._process = subprocess.Popen(
            command("--user", "ana", *arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=variables_of(settings),
        )
        self.pid = self._process.pid

    def send(self, *messages):
        self._process.stdin.write(lines_of(*messages))
        self._process.stdin.flush()

    def receive(self):
        return json.loads(self._process.stdout.readline())

    def ask(self, message):
        self.send(message)
        return self.receive()

    def start(self):
        assert self.ask(INITIALIZE)["result"]["protocolVersion"] == "2025-06-18"
        self.send(INITIALIZED)
        return self

    def end(self, *messages, seconds=60):
        """Send the last messages, close the input, and return the messages that came, the exit code, and the log."""
        out, log = self._process.communicate(lines_of(*messages), timeout=seconds)
        return [json.loads(line) for line in out.splitlines()], self._process.returncode, log.decode()

    def stop_reading(self):
        self._process.stdout.close()

    def wait(self, seconds=30):
        return self._process.wait(seconds)

    def close(self):
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            stream.close()


@pytest.fixture
def start(settings, hot_store):
    opened = []

    def start_one(*arguments, of=settings):
        opened.append(Process(of, *arguments))
        return opened[-1]

    yield start_one
    for process in opened:
        process.close()


def test_the_end_of_the_input_answers_what_was_asked_and_exits_with_0(start, settings):
    calls = [call(number, "remember", text=f"I own {number} cats.") for number in range(30)]
    answers, code, log = start().end(INITIALIZE, INITIALIZED, *calls, call("last", "recall", query="cats"))
    assert code == 0, log
    assert {answer["id"] for answer in answers} == {"start", "last", *range(30)}
    assert not any("error" in answer or answer["result"].get("isError") for answer in answers)
    assert len(MemoryClient("ana", "mcp", settings=settings).history(100)) == 30


def test_an_input_without_a_last_newline_or_without_any_message_is_fine(start):
    ping = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"}).encode()
    process = start()
    process._process.stdin.write(ping)
    answers, code, _ = process.end()
    assert ([answer["id"] for answer in answers], code) == ([1], 0)
    assert start().end()[:2] == ([], 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("is_started", [True, False])
def test_a_signal_ends_the_process_soon_with_0(start, number, is_started):
    process = start()
    if is_started:
        process.start()
    else:
        process.ask({"jsonrpc": "2.0", "id": 1, "method": "ping"})
    os.kill(process.pid, number)
    assert process.wait() == 0


def test_a_client_that_no_longer_reads_ends_the_process(start):
    process = start().start()
    process.stop_reading()
    process.send(call(1, "remember", text="I live in Porto."))
    assert process.wait() == 0


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_output_has_messages_only_and_logs_go_to_standard_error_without_content(start, settings, log_format):
    process = start(of=with_settings(settings, log_format=log_format)).start()
    answers, code, log = process.end(
        call(1, "remember", text="zx-canary-91"), call(2, "recall", query="zx-canary-91"), call(3, "zx-canary-91")
    )
    assert code == 0 and {answer["id"] for answer in answers} == {1, 2, 3}
    assert "remember: ok" in log and "recall: ok" in log and "zx-canary-91" not in log
    if log_format == "json":
        assert all(json.loads(line)["logger"] for line in log.splitlines())


def test_what_libraries_print_or_log_does_not_reach_the_output(settings, hot_store):
    program = (
        "import sys, os, logging, subprocess\n"
        "from api_shim.mcp import tools\n"
        "def noisy(*_):\n"
        "    print('printed'); os.write(1, b'written'); subprocess.run(['echo', 'child'])\n"
        "    logging.getLogger('some.library').warning('logged'); return None\n"
        "tools.parse = noisy\n"
        "sys.argv = ['afterturn', 'mcp', '--user', 'ana']\n"
        "from api_shim.cli.main import main\n"
        "main()\n"
    )
    ended = subprocess.run(
        [command()[0], "-c", program],
        input=lines_of(INITIALIZE, INITIALIZED, call(1, "forget_fact", fact_id="x")),
        capture_output=True,
        env=variables_of(settings),
        timeout=60,
        check=True,
    )
    assert [json.loads(line)["id"] for line in ended.stdout.splitlines()] == ["start", 1]
    assert all(word in ended.stderr.decode() for word in ("printed", "written", "child", "logged"))


BAD_LINES = [
    (b"zx-canary-91", None, -32700),
    (b'{"zx-canary-91', None, -32700),
    (b"[]", None, -32600),
    (b"[1, 2]", None, -32600),
    (b'{"jsonrpc": "2.0", "id": 7, "method": {"zx-canary-91": 1}}', 7, -32600),
    (b'{"jsonrpc": "2.0", "id": [7], "method": "ping"}', None, -32600),
    (b'{"jsonrpc": "2.0", "id": "seven", "params": {}}', "seven", -32600),
    (b"[" * 100_000, None, -32700),
    (b"\xff\xfe\x00", None, -32700),
]


def test_a_line_that_is_no_message_gets_an_error_and_the_next_one_an_answer(start):
    process = start().start()
    for line, request_id, code in BAD_LINES:
        answer = process.ask(line)
        assert (answer["id"], answer["error"]["code"]) == (request_id, code), line[:60]
        assert "zx-canary-91" not in json.dumps(answer)
    process.send(b"", b"  ")
    assert process.ask({"jsonrpc": "2.0", "id": 1, "method": "ping"}) == {"jsonrpc": "2.0", "id": 1, "result": {}}


def test_lone_surrogates_are_replaced_and_answered(start):
    process = start().start()
    line = json.dumps(call(1, "remember", text="I own \ud800 a boat.")).encode()
    assert b"\\ud800" in line
    assert process.ask(line)["result"]["isError"] is False
    [found] = process.ask(call(2, "recall", query="boat"))["result"]["structuredContent"]["memories"]
    assert found["text"] == "I own \ufffd a boat."


def test_a_message_that_is_too_large_is_refused_and_skipped(start, settings):
    process = start(of=with_settings(settings, api_body_limit_bytes=50_000)).start()
    answer = process.ask(call(1, "remember", text="x" * 300_000))
    assert (answer["id"], answer["error"]["message"]) == (None, "the message is too large")
    assert process.ask(call(2, "remember", text="x" * 40_000))["result"]["isError"] is False


def test_a_cancelled_request_does_not_delay_the_end(start):
    cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
    started = time.monotonic()
    _, code, _ = start().start().end(call(1, "recall", query="boat"), cancelled)
    assert code == 0 and time.monotonic() - started < 25


def test_the_user_must_be_named_and_valid(start):
    for arguments, text in (
        (("--user", ""), "error [invalid_input]: the user is missing: give --user USER, or set AFTERTURN_MCP_USER"),
        (("--user", "a\nb"), "error [invalid_id]: user must not contain control characters"),
        (("--session", "~x"), "error [invalid_id]: session_id must not begin with ~"),
    ):
        out, code, log = start(*arguments).end()
        assert (out, code) == ([], 2) and log.startswith(text), log


def test_the_process_finds_servers_that_are_started_later(settings, hot_store, tmp_path):
    """A client such as Claude Desktop may be started before `afterturn up`."""
    variables = {name: value for name, value in variables_of(settings).items() if not name.startswith("AFTERTURN_")}
    process = subprocess.Popen(
        command("--user", "ana"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=variables | {"AFTERTURN_DATA_DIR": str(tmp_path / "data")},
    )
    try:
        process.stdin.write(lines_of(INITIALIZE, INITIALIZED, call(1, "remember", text="I live in Porto.")))
        process.stdin.flush()
        process.stdout.readline()
        result = json.loads(process.stdout.readline())["result"]
        assert result["isError"] and result["content"][0]["text"].startswith("memory_unavailable: ")
        assert "afterturn up" in result["content"][0]["text"]
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def test_logs_of_a_process_are_ours_from_info_and_warnings_of_others(settings, capfd):
    root, ours = logging.getLogger(), logging.getLogger("afterturn")
    before = root.handlers[:], root.level, ours.level
    try:
        process_logs.configure(settings)
        logging.getLogger("afterturn.mcp").info("ours")
        logging.getLogger("a.library").info("theirs")
        logging.getLogger("a.library").warning("a warning")
    finally:
        root.handlers, root.level, ours.level = before
        logging.captureWarnings(False)
    out, log = capfd.readouterr()
    assert out == "" and "ours" in log and "a warning" in log and "theirs" not in log


def test_nothing_is_left_running(start):
    process = start().start()
    process.end()
    wait_until(lambda: not os.path.exists(f"/proc/{process.pid}"), seconds=60)
