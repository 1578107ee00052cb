import sys, tempfile, time
from pathlib import Path
from afterturn.local.postgres_server import PostgresServer
from afterturn.local.redis_server import RedisServer
from tests.chaos import trial, crash
from tests.chaos.lane import Lane
d = Path(tempfile.mkdtemp(prefix="chaos-"))
print(d)
which, pts = sys.argv[1], sys.argv[2:]
with RedisServer(d) as r, PostgresServer(d, durable=False) as p, Lane(r.url, p.url, d/"lane") as lane:
    t=time.time()
    expected = trial.uninterrupted(lane)
    print("uninterrupted", round(time.time()-t,1), {k: len(v) for k,v in expected.tables.items()}, lane.llm.counts())
    for point in pts or crash.points():
        t=time.time()
        try:
            o = getattr(crash, which)(lane, expected, point)
        except AssertionError as e:
            o = trial.failed(point, e)
        print(point, round(time.time()-t,1), "CLEAN" if o.is_clean else "DIRTY", o.recovery_seconds, "" if o.is_clean else o, "refused", lane.counter("stale_writes_refused"), flush=True)
