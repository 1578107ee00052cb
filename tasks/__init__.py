"""The Celery tasks: one thin file per stage, in the order of the flow.

sweep      finds work that is owed and that no worker does
archive    pending turns of many sessions -> Postgres, and full batches are cut
extract    a batch -> LLM -> stored answer, verified candidates
embed      its candidates, episode and turns -> vectors
judge      what rules cannot decide about it -> a judging call -> stored answer
consolidate  candidates are compared with current facts -> applied
summarize  new episodes -> session summary -> profile
sleep      a user's whole memory, from time to time, if it changed -> tidied
index      a large memory -> vector index
vectors    single texts that the embedder refused -> tried again; a user's vectors -> in a space that is being built
cold       texts of old turns -> the object store
merge      a user -> part of another one
erase      a user to be forgotten -> all data deleted

A message carries a version and ids, never content; losing one costs time, not work.
"""
