#!/usr/bin/env bash
# Two users talk to one agent over HTTP, and it remembers each of them apart.
#
# The paths are those of Agno's AgentOS, without a client library. It needs curl.
#
# It prints::
#
#     Ana and Ben say where they live.
#     The memories of ana: Ana lives in Porto.
#     The memories of ben: Ben lives in Rome.
#     In a new conversation, Ana asks where she lives: ...Porto...
#     And Ben: ...Rome...
#     Added by hand, found by topic: Ana plays the cello.
#     As a stream: RunStarted RunContent... RunCompleted
set -euo pipefail

api=${API_URL:-http://localhost:8600}

# Print one field of the JSON on standard input: the first argument is a Python expression of `data`.
field() { python3 -c "import json, sys; data = json.load(sys.stdin); print($1)"; }

run() { # user, name, session, message
    curl -sf "$api/v1/agents/concierge/run" -H 'content-type: application/json' \
        -d "{\"message\": \"$4\", \"user_id\": \"$1\", \"name\": \"$2\", \"session_id\": \"$3\"}"
}

memories() { # user, further parameters
    curl -sf "$api/v1/agents/concierge/memories?user_id=$1${2:-}" |
        field "'; '.join(sorted(one['memory'] for one in data['data']))"
}

# Wait until a user has memories, which workers make in the background.
wait_for() {
    for _ in $(seq 120); do
        [ -n "$(memories "$@")" ] && return
        sleep 0.5
    done
    echo "no memories of $1" >&2
    exit 1
}

echo 'Ana and Ben say where they live.'
run ana Ana ana-1 'I live in Porto.' >/dev/null
run ben Ben ben-1 'I live in Rome.' >/dev/null

wait_for ana
wait_for ben
echo "The memories of ana: $(memories ana)"
echo "The memories of ben: $(memories ben)"

echo "In a new conversation, Ana asks where she lives: $(run ana Ana ana-2 'Where do I live?' | field "data['content']")"
echo "And Ben: $(run ben Ben ben-2 'Where do I live?' | field "data['content']")"

curl -sf "$api/v1/agents/concierge/memories" -H 'content-type: application/json' -o /dev/null \
    -d '{"user_id": "ana", "memory": "Ana plays the cello.", "topics": ["music"]}'
wait_for ana '&topics=music'
echo "Added by hand, found by topic: $(memories ana '&topics=music')"

events=$(curl -sfN "$api/agents/concierge/runs" -F message='Where do I live?' -F user_id=ana -F session_id=ana-3 |
    sed -n 's/^event: //p' | tr '\n' ' ')
echo "As a stream: $events"
