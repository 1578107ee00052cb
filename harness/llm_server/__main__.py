"""`python -m harness.llm_server`: serve until terminated, or until standard input ends (the parent is gone)."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from pathlib import Path

from harness.llm_server.replay import Replay
from harness.llm_server.server import LLMServer


def main() -> None:
    arguments = _arguments()
    server = LLMServer(
        port=arguments.port,
        latency_seconds=arguments.latency,
        without=arguments.without,
        context_tokens=arguments.context,
        keep=arguments.keep,
        record_file=arguments.record,
        answer=Replay.from_file(arguments.replay) if arguments.replay else None,
    )
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    if arguments.stdin_ends:
        threading.Thread(target=_leave_with_parent, daemon=True).start()
    server.serve_forever(lambda: print(json.dumps({"base_url": server.base_url}), flush=True))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m harness.llm_server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--without", action="append", default=[], help="what the endpoint cannot do: json_schema, …")
    parser.add_argument("--context", type=int, help="tokens that a call, or a text to embed, may have")
    parser.add_argument("--keep", type=int, default=20_000, help="requests kept for /control/requests")
    parser.add_argument("--record", type=Path, help="file to which each request is appended as a line of JSON")
    parser.add_argument("--replay", type=Path, help="file of gold facts (see Replay.from_file)")
    parser.add_argument("--stdin-ends", action="store_true", help="leave when standard input ends")
    return parser.parse_args()


def _leave_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
