"""What happens after a turn: one file per stage, in the order of the flow. Each is a thin Celery task.

sweep      what is owed, and not being worked on?
archive    pending turns of many sessions -> Postgres, and full batches are cut
extract    a batch -> LLM -> stored answer
embed      its candidates, episode and turns -> vectors
judge      what rules cannot decide on of it -> a judging call -> stored answer
consolidate  candidates against current facts -> applied
summarize  new episodes -> session summary -> profile
sleep      a user's whole memory, now and then, where it changed -> tidied
erase      a user who asked to be forgotten -> nothing

A message carries a version and ids, never content; losing one costs time, not work.
"""
