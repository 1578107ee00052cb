"""`afterturn export`, `forget` and `scrub`, and what remains on disk afterwards."""

import json

from afterturn.forgetting import erasures
from afterturn.scopes import UserScope
from tests import canary

ANA = UserScope("default", "ana")


def test_export_forget_and_scrub(command, settings, pipeline, database, tmp_path):
    canary.write_about(settings, "ana")
    pipeline.settle()
    to_file = command("export", "ana", "--output", str(tmp_path / "ana.jsonl"))
    assert to_file.code == 0, to_file
    written = (tmp_path / "ana.jsonl").read_text()
    printed = command("export", "ana")
    assert sorted(printed.out.splitlines()) == sorted(written.splitlines())
    records = [json.loads(line) for line in written.splitlines()]
    assert f"{len(records):>8} records" in printed.error
    assert {"turns", "facts", "evidence", "vectors"} <= {record.get("table") for record in records}
    assert (tmp_path / "ana.jsonl").stat().st_mode & 0o077 == 0
    assert command("export", "ana", "--output", str(tmp_path / "ana.jsonl")).code == 2

    unasked = command("forget", "ana")
    assert (unasked.code, "--yes" in unasked.error) == (2, True)
    assert database.execute("SELECT count(*) FROM turns").fetchone() == (2,)
    forgotten = command("forget", "ana", "--yes", "--receipt", str(tmp_path / "receipt.json"))
    assert forgotten.code == 0, forgotten
    receipt = json.loads((tmp_path / "receipt.json").read_text())
    assert receipt["removed"]["turns"] == 2
    assert receipt["owner_hash"] == erasures.owner_hash(ANA)
    assert "2 turns" in forgotten.out
    assert canary.WORD not in forgotten.out + (tmp_path / "receipt.json").read_text()
    assert command("export", "ana").out == ""

    scrubbed = command("scrub", "--rewrite")
    assert (scrubbed.code, scrubbed.error) == (0, ""), scrubbed


def test_after_scrub_no_file_contains_the_content(command, settings, pipeline, postgres_server, redis_server):
    """Every file of both servers, read as bytes: the turns are short enough not to be compressed."""
    canary.write_about(settings, "ana")
    pipeline.settle()
    directories = [server.process.log_path.parents[1] for server in (postgres_server, redis_server)]
    assert files_with(directories, canary.WORD)
    erasures.forget(pipeline.runtime, ANA)
    pipeline.runtime.close()
    assert command("scrub", "--rewrite").code == 0
    assert files_with(directories, canary.WORD) == []


def files_with(directories, word):
    wanted = word.encode()
    return [
        str(path)
        for directory in directories
        for path in directory.rglob("*")
        if path.is_file() and wanted in path.read_bytes()
    ]
