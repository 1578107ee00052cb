"""Control the server from another process: the requests of `/control`, and a client for them."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from harness.llm_server.http import Reply, Request
from harness.llm_server.recording import RecordedRequest

if TYPE_CHECKING:
    from harness.llm_server.server import LLMServer


def handle(server: LLMServer, request: Request) -> Reply:
    """Execute a control request.

    GET /control: state; POST /control/faults, DELETE /control/faults[?what=]; GET /control/requests[?kind=&since=],
    DELETE /control/requests; POST /control/answers {"on": kind, "answers": [...]}; POST /control/latency {"seconds"}.
    """
    try:
        return _execute(server, request)
    except (TypeError, ValueError, KeyError) as error:
        return Reply(status=400, body=json.dumps({"error": str(error)}).encode())


def _execute(server: LLMServer, request: Request) -> Reply:
    query = {name: values[-1] for name, values in parse_qs(request.query).items()}
    data = json.loads(request.body) if request.body else {}
    answer: Any = {}
    match request.method, request.path.removeprefix("/control").strip("/"):
        case "GET", "":
            answer = {
                "counts": server.counts(),
                "faults": [fault.to_json() for fault in server.model.faults.active()],
            }
        case "POST", "faults":
            server.fail(**data)
        case "DELETE", "faults":
            server.heal(query.get("what"))
        case "GET", "requests":
            found = server.model.recording.requests(query.get("kind"), int(query.get("since", "0")))
            answer = [recorded.to_json() for recorded in found]
        case "DELETE", "requests":
            server.forget()
        case "POST", "answers":
            server.queue(*data["answers"], on=data.get("on", "*"))
        case "POST", "latency":
            server.set_latency(float(data["seconds"]))
        case _:
            return Reply(status=404)
    return Reply(body=json.dumps(answer).encode())


class LLMServerControl:
    """Controls a server in another process, with the methods of `LLMServer`."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self._control_url = base_url.removesuffix("/v1") + "/control"

    @property
    def requests(self) -> list[RecordedRequest]:
        return [RecordedRequest.from_json(item) for item in self._ask("GET", "/requests")]

    def calls(self, kind: str) -> list[RecordedRequest]:
        return [RecordedRequest.from_json(item) for item in self._ask("GET", f"/requests?kind={kind}")]

    def counts(self) -> dict[str, int]:
        return dict(self._ask("GET", "")["counts"])

    def queue(self, *answers: str | Mapping[str, Any], on: str = "*") -> None:
        self._ask("POST", "/answers", {"on": on, "answers": answers})

    def fail(self, what: str, **options: Any) -> None:
        self._ask("POST", "/faults", {"what": what, **options})

    def heal(self, what: str | None = None) -> None:
        self._ask("DELETE", "/faults" if what is None else f"/faults?what={what}")

    def forget(self) -> None:
        self._ask("DELETE", "/requests")

    def set_latency(self, seconds: float) -> None:
        self._ask("POST", "/latency", {"seconds": seconds})

    def _ask(self, method: str, path: str, data: object = None) -> Any:
        body = None if data is None else json.dumps(data).encode()
        request = urllib.request.Request(self._control_url + path, data=body, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return json.loads(response.read())
        except urllib.error.HTTPError as error:
            with error:
                raise ValueError(error.read().decode()) from None
