// Generated from docs/reference/openapi.json by `make typescript`. Do not edit.

import type {
  AddFactsIn,
  AddMemoriesIn,
  AddMemoryIn,
  AddedMemoriesOut,
  ChangeFactIn,
  ContextIn,
  ContextOut,
  ContradictionsOut,
  CostsOut,
  CountCostsQuery,
  CreateAgentRunBody,
  DeadIdsIn,
  DeadLettersOut,
  DeleteDocumentQuery,
  DocumentIn,
  DocumentOut,
  DoneOut,
  EpisodesOut,
  ErasureOut,
  FactIdsOut,
  FactVersionsOut,
  FactsOut,
  FlushQuery,
  GetDocumentQuery,
  GetMemoriesQuery,
  Health,
  HistoryOut,
  ImportOut,
  ImportTurnsQuery,
  KeepFactQuery,
  ListAgentMemoriesQuery,
  ListContradictionsQuery,
  ListDeadLettersQuery,
  ListDocumentsQuery,
  ListEpisodesQuery,
  ListFactsQuery,
  ListSessionsQuery,
  ListThreadsQuery,
  ListTurnsQuery,
  ListUsersQuery,
  LockIn,
  LockOut,
  MergeIn,
  MergeOut,
  PreferenceIn,
  PreferencesOut,
  ProfileOut,
  PutDocumentQuery,
  Readiness,
  RecallBody,
  RecallOut,
  RecallQuery,
  ReleaseLockQuery,
  RemovedOut,
  RenewIn,
  RetractFactQuery,
  RunAgentBody,
  RunOut,
  SessionsOut,
  StateOut,
  SummaryOut,
  ThreadsOut,
  UserMemoriesOut,
  UserMemoryOut,
  UserMemoryPageOut,
  UsersOut,
  VersionOut,
  WriteIn,
  WriteOut,
} from "./schema.gen.js";
import { type CallOptions, path, Transport, type WriteOptions } from "./transport.js";

export type {
  AddFactsIn,
  AddMemoriesIn,
  AddMemoryIn,
  AddedMemoriesOut,
  ChangeFactIn,
  ContextIn,
  ContextOut,
  ContradictionOut,
  ContradictionsOut,
  CostOut,
  CostsOut,
  CountCostsQuery,
  CreateAgentRunBody,
  DeadIdsIn,
  DeadLetterOut,
  DeadLettersOut,
  DeleteDocumentQuery,
  DocumentIn,
  DocumentOut,
  DoneOut,
  EpisodeOut,
  EpisodesOut,
  ErasureOut,
  ErrorOut,
  EvidenceOut,
  FactIdsOut,
  FactIn,
  FactOut,
  FactVersionsOut,
  FactsOut,
  FlushQuery,
  GetDocumentQuery,
  GetMemoriesQuery,
  Health,
  HistoryIn,
  HistoryOut,
  ImportOut,
  ImportTurnsQuery,
  KeepFactQuery,
  ListAgentMemoriesQuery,
  ListContradictionsQuery,
  ListDeadLettersQuery,
  ListDocumentsQuery,
  ListEpisodesQuery,
  ListFactsQuery,
  ListSessionsQuery,
  ListThreadsQuery,
  ListTurnsQuery,
  ListUsersQuery,
  LockIn,
  LockOut,
  MemoryIn,
  MemoryOut,
  MergeIn,
  MergeOut,
  PageOut,
  PartOut,
  PreferenceIn,
  PreferencesOut,
  ProfileOut,
  PutDocumentQuery,
  Readiness,
  RecallBody,
  RecallOut,
  RecallQuery,
  ReleaseLockQuery,
  RemovedOut,
  RenewIn,
  RetractFactQuery,
  RunAgentBody,
  RunMetricsOut,
  RunOut,
  SessionOut,
  SessionsOut,
  SharesIn,
  StateEntryOut,
  StateOut,
  StatementOut,
  SummaryOut,
  ThreadOut,
  ThreadStepOut,
  ThreadsOut,
  TurnIn,
  TurnOut,
  UserMemoriesOut,
  UserMemoryOut,
  UserMemoryPageOut,
  UserOut,
  UsersOut,
  VersionOut,
  WriteIn,
  WriteOut,
} from "./schema.gen.js";

/** The HTTP API of afterturn: one method per call. Fields have the names that they have over HTTP. */
export class Afterturn extends Transport {
  /**
   * Answer a message with memory, as AgentOS.
   *
   * Do the same as `POST /v1/agents/{agent_id}/run`. By default the answer is a stream.
   */
  createAgentRun(agentId: string, body: Omit<CreateAgentRunBody, "stream">, options?: WriteOptions): Promise<RunOut> {
    return this.call("POST", path`/agents/${agentId}/runs`, { body: { ...body, stream: false }, options });
  }

  /**
   * Check Redis, Postgres and the workers.
   *
   * Check the servers and the workers. The status is 503 if Redis cannot be written to; otherwise it is 200.
   */
  checkHealth(options?: CallOptions): Promise<Health> {
    return this.call("GET", path`/healthz`, { options });
  }

  /**
   * List the memories of a user, as AgentOS.
   *
   * Return one page of what is known of a user, of the 10,000 most recently said facts at most.
   */
  getMemories(query?: GetMemoriesQuery, options?: CallOptions): Promise<UserMemoryPageOut> {
    return this.call("GET", path`/memories`, { query, options });
  }

  /**
   * Add a memory, as AgentOS.
   *
   * Add a fact about a user. It takes effect in about a second.
   */
  createMemory(body: AddMemoryIn, options?: WriteOptions): Promise<UserMemoryOut> {
    return this.call("POST", path`/memories`, { body, options });
  }

  /**
   * Read metrics in the format of Prometheus.
   *
   * Return figures of the API and of all workers. Programs on the machine of the API need no credential.
   */
  readMetrics(options?: CallOptions): Promise<string> {
    return this.call("GET", path`/metrics`, { options });
  }

  /**
   * Check whether turns are written, processed in time, and read.
   *
   * Check Redis, Postgres, the broker, the last sweep, the workers and the age of the backlog.
   *
   * The status is 503 if one of them is not as it should be. The answer is at most some seconds old.
   */
  checkReadiness(options?: CallOptions): Promise<Readiness> {
    return this.call("GET", path`/readyz`, { options });
  }

  /**
   * List the memories of a user.
   *
   * Return what is known of a user: current facts, the most recently said first. All agents share them.
   */
  listAgentMemories(agentId: string, query?: ListAgentMemoriesQuery, options?: CallOptions): Promise<UserMemoriesOut> {
    return this.call("GET", path`/v1/agents/${agentId}/memories`, { query, options });
  }

  /**
   * Add a memory.
   *
   * Add a fact about a user. It takes effect in about a second.
   */
  addAgentMemory(agentId: string, body: AddMemoryIn, options?: WriteOptions): Promise<UserMemoryOut> {
    return this.call("POST", path`/v1/agents/${agentId}/memories`, { body, options });
  }

  /**
   * Add memories.
   *
   * Add facts about a user, all or none, in one round trip to Redis.
   */
  addAgentMemories(agentId: string, body: AddMemoriesIn, options?: WriteOptions): Promise<AddedMemoriesOut> {
    return this.call("POST", path`/v1/agents/${agentId}/memories/batch`, { body, options });
  }

  /**
   * Answer a message with memory.
   *
   * Answer a message of a user through the configured model, with what is known of the user. Both become turns.
   *
   * With `stream`, the answer is a stream of the events RunStarted, RunContent and RunCompleted, or RunError at its end.
   * It needs the rights to read and to write.
   */
  runAgent(agentId: string, body: Omit<RunAgentBody, "stream">, options?: WriteOptions): Promise<RunOut> {
    return this.call("POST", path`/v1/agents/${agentId}/run`, { body: { ...body, stream: false }, options });
  }

  /**
   * List dead letters.
   *
   * Return what was given up on in the caller's tenant, without content.
   */
  listDeadLetters(query?: ListDeadLettersQuery, options?: CallOptions): Promise<DeadLettersOut> {
    return this.call("GET", path`/v1/dead-letters`, { query, options });
  }

  /**
   * Discard dead letters.
   *
   * Discard dead letters: they are no longer counted or listed. They can still be replayed.
   */
  discardDeadLetters(body: DeadIdsIn, options?: CallOptions): Promise<DoneOut> {
    return this.call("POST", path`/v1/dead-letters/discard`, { body, options });
  }

  /**
   * Process dead letters again.
   *
   * Process dead letters again, after the present batches of their users. Remove the cause first.
   */
  replayDeadLetters(body: DeadIdsIn, options?: CallOptions): Promise<DoneOut> {
    return this.call("POST", path`/v1/dead-letters/replay`, { body, options });
  }

  /**
   * List the users of the tenant.
   *
   * Return the users of the caller's tenant in the order of their ids, with the sizes of their memories.
   */
  listUsers(query?: ListUsersQuery, options?: CallOptions): Promise<UsersOut> {
    return this.call("GET", path`/v1/users`, { query, options });
  }

  /**
   * List contradictions.
   *
   * Return the pairs of current facts that cannot both be true, those found last first.
   */
  listContradictions(userId: string, query?: ListContradictionsQuery, options?: CallOptions): Promise<ContradictionsOut> {
    return this.call("GET", path`/v1/users/${userId}/contradictions`, { query, options });
  }

  /**
   * Count the LLM calls for a user.
   *
   * Return the number of LLM calls for the user, and their tokens.
   */
  countCosts(userId: string, query?: CountCostsQuery, options?: CallOptions): Promise<CostsOut> {
    return this.call("GET", path`/v1/users/${userId}/costs`, { query, options });
  }

  /**
   * List episodes, by time or similar to a query.
   *
   * Return what happened, part by part of the conversations.
   */
  listEpisodes(userId: string, query?: ListEpisodesQuery, options?: CallOptions): Promise<EpisodesOut> {
    return this.call("GET", path`/v1/users/${userId}/episodes`, { query, options });
  }

  /**
   * Forget a user.
   *
   * Request that all data of the user are deleted. Workers do it; the receipt shows how far they are.
   *
   * A repeated request returns the receipt of the unfinished erasure.
   */
  forgetUser(userId: string, options?: CallOptions): Promise<ErasureOut> {
    return this.call("POST", path`/v1/users/${userId}/erasures`, { options });
  }

  /**
   * Get the receipt of an erasure.
   *
   * Return how far an erasure of the user is.
   */
  getErasure(userId: string, receiptId: string, options?: CallOptions): Promise<ErasureOut> {
    return this.call("GET", path`/v1/users/${userId}/erasures/${receiptId}`, { options });
  }

  /**
   * Export all data of a user.
   *
   * Return all data of the user as JSON Lines: one record of Redis or of a table per line.
   *
   * If a server fails meanwhile, the connection is closed before the end of the answer.
   */
  exportUser(userId: string, options?: CallOptions): Promise<string> {
    return this.call("GET", path`/v1/users/${userId}/export`, { options });
  }

  /**
   * List facts.
   *
   * Return the user's facts with their evidence, the most recently said first.
   */
  listFacts(userId: string, query?: ListFactsQuery, options?: CallOptions): Promise<FactsOut> {
    return this.call("GET", path`/v1/users/${userId}/facts`, { query, options });
  }

  /**
   * Add facts.
   *
   * Add facts that a person entered, all or none, in one round trip to Redis.
   */
  addFacts(userId: string, body: AddFactsIn, options?: WriteOptions): Promise<FactIdsOut> {
    return this.call("POST", path`/v1/users/${userId}/facts`, { body, options });
  }

  /**
   * Retract a fact.
   *
   * Retract a fact. Its history still shows it.
   */
  retractFact(userId: string, factId: string, query?: RetractFactQuery, options?: WriteOptions): Promise<void> {
    return this.call("DELETE", path`/v1/users/${userId}/facts/${factId}`, { query, options });
  }

  /**
   * Correct, pin or unpin a fact.
   *
   * Supersede a fact by a corrected one, or pin or unpin it. Returns the id of the current fact.
   */
  changeFact(userId: string, factId: string, body: ChangeFactIn, options?: WriteOptions): Promise<FactIdsOut> {
    return this.call("PATCH", path`/v1/users/${userId}/facts/${factId}`, { body, options });
  }

  /**
   * List all versions of a fact.
   *
   * Return all versions of a fact, oldest first. The list is empty if the fact does not exist.
   */
  listFactVersions(userId: string, factId: string, options?: CallOptions): Promise<FactVersionsOut> {
    return this.call("GET", path`/v1/users/${userId}/facts/${factId}/history`, { options });
  }

  /**
   * Keep one of two contradicting facts.
   *
   * Settle the contradictions of a fact: it stays, and the facts that contradict it are superseded.
   */
  keepFact(userId: string, factId: string, query?: KeepFactQuery, options?: WriteOptions): Promise<void> {
    return this.call("POST", path`/v1/users/${userId}/facts/${factId}/keep`, { query, options });
  }

  /**
   * Import old conversations.
   *
   * Upload JSON Lines: one turn per line, with role, content and at. Every line is checked before one is written.
   *
   * Imported turns are processed after live ones. The same upload again continues an interrupted import, and imports no
   * turn twice.
   */
  importTurns(userId: string, body: string, query?: ImportTurnsQuery, options?: CallOptions): Promise<ImportOut> {
    return this.call("POST", path`/v1/users/${userId}/imports`, { body, contentType: "application/x-ndjson", query, options });
  }

  /**
   * Get the status of an import.
   *
   * Return how far an import is. It can be read for a day.
   */
  getImport(userId: string, importId: string, options?: CallOptions): Promise<ImportOut> {
    return this.call("GET", path`/v1/users/${userId}/imports/${importId}`, { options });
  }

  /**
   * Leave a lock.
   *
   * Leave a lock. 409 (`stale_fence`) if it was lost before.
   */
  releaseLock(userId: string, name: string, query: ReleaseLockQuery, options?: CallOptions): Promise<void> {
    return this.call("DELETE", path`/v1/users/${userId}/locks/${name}`, { query, options });
  }

  /**
   * Take a lock.
   *
   * Take a lock of the user and return its fence. 409 (`lock_busy`) if somebody else has it.
   */
  takeLock(userId: string, name: string, body: LockIn, options?: CallOptions): Promise<LockOut> {
    return this.call("POST", path`/v1/users/${userId}/locks/${name}`, { body, options });
  }

  /**
   * Renew a lock.
   *
   * Begin the lease of a lock anew. 409 (`stale_fence`) if it is lost.
   */
  renewLock(userId: string, name: string, body: RenewIn, options?: CallOptions): Promise<LockOut> {
    return this.call("PUT", path`/v1/users/${userId}/locks/${name}`, { body, options });
  }

  /**
   * Merge a user into this one.
   *
   * Request that all that is known of another user becomes part of this one. Workers do it; see the receipt.
   *
   * Turns that are still written for the other user are archived for this one. A repeated request returns the same
   * receipt. A merge cannot be undone.
   */
  mergeUsers(userId: string, body: MergeIn, options?: CallOptions): Promise<MergeOut> {
    return this.call("POST", path`/v1/users/${userId}/merges`, { body, options });
  }

  /**
   * Get the receipt of a merge.
   *
   * Return how far a merge into the user is.
   */
  getMerge(userId: string, mergeId: string, options?: CallOptions): Promise<MergeOut> {
    return this.call("GET", path`/v1/users/${userId}/merges/${mergeId}`, { options });
  }

  /**
   * List the preferences of a user.
   *
   * Return the current value of each preference.
   */
  listPreferences(userId: string, options?: CallOptions): Promise<PreferencesOut> {
    return this.call("GET", path`/v1/users/${userId}/preferences`, { options });
  }

  /**
   * Set a preference.
   *
   * Set a preference that a person entered. Returns the id of its fact.
   */
  setPreference(userId: string, key: string, body: PreferenceIn, options?: WriteOptions): Promise<FactIdsOut> {
    return this.call("PUT", path`/v1/users/${userId}/preferences/${key}`, { body, options });
  }

  /**
   * Get the profile of a user.
   *
   * Return the user's profile: the most useful facts.
   */
  getProfile(userId: string, options?: CallOptions): Promise<ProfileOut> {
    return this.call("GET", path`/v1/users/${userId}/profile`, { options });
  }

  /**
   * List the sessions of a user.
   *
   * Return the user's sessions, those that were active last first.
   */
  listSessions(userId: string, query?: ListSessionsQuery, options?: CallOptions): Promise<SessionsOut> {
    return this.call("GET", path`/v1/users/${userId}/sessions`, { query, options });
  }

  /**
   * Close a session.
   *
   * Say that the conversation has ended: its pending turns are processed now, and its summary is made.
   *
   * A turn that is written later continues the session.
   */
  closeSession(userId: string, sessionId: string, options?: CallOptions): Promise<void> {
    return this.call("POST", path`/v1/users/${userId}/sessions/${sessionId}/close`, { options });
  }

  /**
   * Build messages for a prompt.
   *
   * Return messages for a prompt: a message with the user's memory, marked as data, then the recent turns.
   */
  buildContext(userId: string, sessionId: string, body: ContextIn, options?: CallOptions): Promise<ContextOut> {
    return this.call("POST", path`/v1/users/${userId}/sessions/${sessionId}/context`, { body, options });
  }

  /**
   * Process pending turns now.
   *
   * Cut and process pending turns without waiting for a full batch.
   *
   * With `wait_seconds` the answer comes when the turns are processed (204), when a batch of them is dead (424,
   * `flush_failed`), or after that time (504, `flush_timeout`).
   */
  flush(userId: string, sessionId: string, query?: FlushQuery, options?: CallOptions): Promise<void> {
    return this.call("POST", path`/v1/users/${userId}/sessions/${sessionId}/flush`, { query, options });
  }

  /**
   * Recall memories.
   *
   * Return the memories that answer `query`, best first; without a query, the newest turns, newest first.
   */
  recall(userId: string, sessionId: string, query?: RecallQuery, options?: CallOptions): Promise<RecallOut> {
    return this.call("GET", path`/v1/users/${userId}/sessions/${sessionId}/memories`, { query, options });
  }

  /**
   * Recall memories with a long query.
   *
   * Do the same as `GET …/memories`, for queries that are too long for a URL (64 KB).
   */
  recallWithBody(userId: string, sessionId: string, body: RecallBody, options?: CallOptions): Promise<RecallOut> {
    return this.call("POST", path`/v1/users/${userId}/sessions/${sessionId}/recall`, { body, options });
  }

  /**
   * Get the summary of a session.
   *
   * Return the session's summary with the source episodes of each statement.
   */
  getSessionSummary(userId: string, sessionId: string, options?: CallOptions): Promise<SummaryOut> {
    return this.call("GET", path`/v1/users/${userId}/sessions/${sessionId}/summary`, { options });
  }

  /**
   * Clear a session.
   *
   * Remove all turns that the session has now. They are hidden at once, as with the removal of one turn.
   */
  clearSession(userId: string, sessionId: string, options?: CallOptions): Promise<RemovedOut> {
    return this.call("DELETE", path`/v1/users/${userId}/sessions/${sessionId}/turns`, { options });
  }

  /**
   * List the last turns of a session.
   *
   * Return the last turns of the session, oldest first, including turns that are not archived yet.
   *
   * `next_cursor` leads to the turns before them.
   */
  listTurns(userId: string, sessionId: string, query?: ListTurnsQuery, options?: CallOptions): Promise<HistoryOut> {
    return this.call("GET", path`/v1/users/${userId}/sessions/${sessionId}/turns`, { query, options });
  }

  /**
   * Write turns.
   *
   * Write turns, all or none, in one round trip to Redis.
   */
  writeTurns(userId: string, sessionId: string, body: WriteIn, options?: WriteOptions): Promise<WriteOut> {
    return this.call("POST", path`/v1/users/${userId}/sessions/${sessionId}/turns`, { body, options });
  }

  /**
   * Remove a turn.
   *
   * Remove a turn. It is hidden at once; facts and summaries without other evidence are deleted soon after.
   */
  removeTurn(userId: string, sessionId: string, turnId: string, options?: CallOptions): Promise<void> {
    return this.call("DELETE", path`/v1/users/${userId}/sessions/${sessionId}/turns/${turnId}`, { options });
  }

  /**
   * List documents of agent state.
   *
   * Return the documents by key, without their values.
   */
  listDocuments(userId: string, query?: ListDocumentsQuery, options?: CallOptions): Promise<StateOut> {
    return this.call("GET", path`/v1/users/${userId}/state`, { query, options });
  }

  /**
   * Delete a document of agent state.
   *
   * Delete a document if it has the expected version. 404 if there is none.
   */
  deleteDocument(userId: string, key: string, query?: DeleteDocumentQuery, options?: CallOptions): Promise<void> {
    return this.call("DELETE", path`/v1/users/${userId}/state/${key}`, { query, options });
  }

  /**
   * Get a document of agent state.
   *
   * Return a document with its version, which `ETag` has too. 404 if there is none.
   */
  getDocument(userId: string, key: string, query?: GetDocumentQuery, options?: CallOptions): Promise<DocumentOut> {
    return this.call("GET", path`/v1/users/${userId}/state/${key}`, { query, options });
  }

  /**
   * Write a document of agent state.
   *
   * Write a document if it has the expected version, and return the new version, which `ETag` has too.
   */
  putDocument(userId: string, key: string, body: DocumentIn, query?: PutDocumentQuery, options?: CallOptions): Promise<VersionOut> {
    return this.call("PUT", path`/v1/users/${userId}/state/${key}`, { body, query, options });
  }

  /**
   * List the developments of a user's matters.
   *
   * Return how each matter that returns developed, each step with the facts that it rests on.
   */
  listThreads(userId: string, query?: ListThreadsQuery, options?: CallOptions): Promise<ThreadsOut> {
    return this.call("GET", path`/v1/users/${userId}/threads`, { query, options });
  }
}
