// Generated from docs/reference/openapi.json by `make typescript`. Do not edit.

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * AddFactsIn
         * @description Facts to add, all or none, in one round trip to Redis.
         */
        AddFactsIn: {
            /**
             * Edit Id
             * @description an id that the caller chooses; repeating it has no further effect
             */
            edit_id?: string | null;
            /** Facts */
            facts: components["schemas"]["FactIn"][];
        };
        /**
         * AddMemoriesIn
         * @description Memories to add, all or none, in one round trip to Redis.
         */
        AddMemoriesIn: {
            /** Memories */
            memories: components["schemas"]["MemoryIn"][];
            /**
             * User Id
             * @description the user; by default as in a run
             */
            user_id?: string | null;
        };
        /**
         * AddMemoryIn
         * @description One memory to add, and the user whose memory it is.
         */
        AddMemoryIn: {
            /**
             * Memory
             * @description one sentence that can be understood without context
             */
            memory: string;
            /**
             * Topics
             * @description words to find the memory by
             */
            topics?: string[] | null;
            /**
             * User Id
             * @description the user; by default as in a run
             */
            user_id?: string | null;
        };
        /**
         * AddedMemoriesOut
         * @description The memories as they will be. Redis has stored the edit; it takes effect in about a second.
         */
        AddedMemoriesOut: {
            /** Data */
            data: components["schemas"]["UserMemoryOut"][];
        };
        /**
         * ChangeFactIn
         * @description With `text`: a correction of the fact. Without it: only `pinned`. Fields that are not given keep their values.
         */
        ChangeFactIn: {
            /** Attribute */
            attribute?: string | null;
            /** Category */
            category?: string | null;
            /**
             * Edit Id
             * @description an id that the caller chooses; repeating it has no further effect
             */
            edit_id?: string | null;
            /** Importance */
            importance?: number | null;
            /** Life */
            life?: ("lasting" | "event" | "plan" | "state" | "attitude") | null;
            /** Pinned */
            pinned?: boolean | null;
            /** Subject */
            subject?: string | null;
            /**
             * Text
             * @description the corrected sentence
             */
            text?: string | null;
            /** Topics */
            topics?: string[];
            /**
             * Valid From
             * @description the time from which the new fact is true; the old fact was true until then
             */
            valid_from?: string | null;
            /** Valid To */
            valid_to?: string | null;
            /** Value */
            value?: string | null;
        };
        /**
         * ContextIn
         * @description The query, the token budget and the options of a context.
         */
        ContextIn: {
            /**
             * @default {
             *       "kind": "summary_and_recent"
             *     }
             */
            history?: components["schemas"]["HistoryIn"];
            /**
             * Query
             * @description usually the user's message; without a query nothing is recalled
             */
            query?: string | null;
            /**
             * Role
             * @description the role of the message with the memory
             * @default system
             * @enum {string}
             */
            role?: "system" | "developer";
            /**
             * @default {
             *       "pinned": 0.15,
             *       "profile": 0.1,
             *       "recent": 0.35,
             *       "relevant": 0.3,
             *       "summary": 0.1
             *     }
             */
            shares?: components["schemas"]["SharesIn"];
            /**
             * Token Budget
             * @description the largest number of tokens of all messages together, by estimate
             */
            token_budget: number;
        };
        /**
         * ContextOut
         * @description Messages in the format of OpenAI's chat API, and the memories that they contain.
         */
        ContextOut: {
            /** Labels */
            labels: {
                [key: string]: string;
            };
            /** Memory Ids */
            memory_ids: string[];
            /** Messages */
            messages: {
                [key: string]: unknown;
            }[];
            /** Parts */
            parts: components["schemas"]["PartOut"][];
            /** Tokens */
            tokens: number;
        };
        /**
         * ContradictionOut
         * @description Two current facts that cannot both be true, the one said earlier first.
         */
        ContradictionOut: {
            /** Facts */
            facts: components["schemas"]["FactOut"][];
            /**
             * Found At
             * Format: date-time
             */
            found_at: string;
        };
        /**
         * ContradictionsOut
         * @description Pairs of facts, those found last first.
         */
        ContradictionsOut: {
            /** Contradictions */
            contradictions: components["schemas"]["ContradictionOut"][];
        };
        /**
         * CostOut
         * @description The number and tokens of a group of LLM calls.
         */
        CostOut: {
            /** Batch Id */
            batch_id: string | null;
            /** Cached Tokens */
            cached_tokens: number;
            /** Calls */
            calls: number;
            /** Completion Tokens */
            completion_tokens: number;
            /** Day */
            day: string | null;
            /** Prompt Tokens */
            prompt_tokens: number;
            /** Reserved Tokens */
            reserved_tokens: number;
            /** Stage */
            stage: string | null;
            /** Unfinished Calls */
            unfinished_calls: number;
        };
        /**
         * CostsOut
         * @description One entry per group. Days are sorted newest first, other groups by most tokens first.
         */
        CostsOut: {
            /** Costs */
            costs: components["schemas"]["CostOut"][];
        };
        /**
         * DeadIdsIn
         * @description The dead letters to replay or discard.
         */
        DeadIdsIn: {
            /** Dead Ids */
            dead_ids: string[];
        };
        /**
         * DeadLetterOut
         * @description A batch, an entry or a text that was given up on. It has no content.
         */
        DeadLetterOut: {
            /** Attempts */
            attempts: number;
            /** Dead At */
            dead_at: string | null;
            /**
             * Dead Id
             * Format: uuid
             * @description the id by which it is replayed and discarded
             */
            dead_id: string;
            /** Discarded At */
            discarded_at: string | null;
            /**
             * Item
             * @description the id of the entry, or what has no vector; null for a batch
             */
            item: string | null;
            /**
             * Kind
             * @enum {string}
             */
            kind: "batch" | "entry" | "vector";
            /**
             * Reason
             * @description a stable code, and a description of the failure
             */
            reason: string;
            /** Session Id */
            session_id: string;
            /**
             * Turns
             * @description the number of turns of a batch
             */
            turns: number | null;
            /** User Id */
            user_id: string;
        };
        /**
         * DeadLettersOut
         * @description Dead letters: batches, then single entries and texts without a vector; of each kind the latest first.
         */
        DeadLettersOut: {
            /** Dead Letters */
            dead_letters: components["schemas"]["DeadLetterOut"][];
        };
        /**
         * DocumentIn
         * @description A new version of a document.
         */
        DocumentIn: {
            /**
             * Fence
             * @description the fence of a lock that must be held
             */
            fence?: number | null;
            /**
             * Ttl Seconds
             * @description the document expires after this time; null: never
             */
            ttl_seconds?: number | null;
            /**
             * Value
             * @description any JSON value
             */
            value: unknown;
        };
        /**
         * DocumentOut
         * @description A document. `ETag` has the version too.
         */
        DocumentOut: {
            /** Key */
            key: string;
            /** Value */
            value: unknown;
            /** Version */
            version: number;
        };
        /**
         * DoneOut
         * @description How many dead letters were changed, and how many were not dead (any more).
         */
        DoneOut: {
            /** Done */
            done: number;
            /** Skipped */
            skipped: number;
        };
        /**
         * EpisodeOut
         * @description What happened in one part of a conversation.
         */
        EpisodeOut: {
            /**
             * Ended At
             * Format: date-time
             */
            ended_at: string;
            /** Episode Id */
            episode_id: string;
            /** Outcome */
            outcome: string;
            /** Participants */
            participants: string[];
            /**
             * Recorded At
             * Format: date-time
             */
            recorded_at: string;
            /**
             * Score
             * @description how well it answers the query; null without a query
             */
            score: number | null;
            /** Session Id */
            session_id: string;
            /**
             * Started At
             * Format: date-time
             */
            started_at: string;
            /** Summary */
            summary: string;
            /** Title */
            title: string;
            /**
             * Turn Ids
             * @description the turns that it summarizes, without removed ones
             */
            turn_ids: string[];
        };
        /**
         * EpisodesOut
         * @description Episodes: the latest first; with a query, the best first.
         */
        EpisodesOut: {
            /** Episodes */
            episodes: components["schemas"]["EpisodeOut"][];
            /**
             * Next Cursor
             * @description the cursor of the next page; null: there is none
             */
            next_cursor: string | null;
        };
        /**
         * ErasureOut
         * @description How far an erasure is. It is a receipt when `status` is completed; it contains no ids of the user.
         */
        ErasureOut: {
            /**
             * Completed At
             * @description all turns that were acknowledged before this time are deleted
             */
            completed_at: string | null;
            /**
             * Epoch
             * @description how often this user was forgotten, including this time
             */
            epoch: number;
            /**
             * Owner Hash
             * @description a hash of tenant id and user id
             */
            owner_hash: string;
            /**
             * Receipt Id
             * @description the name of this erasure
             */
            receipt_id: string;
            /**
             * Removed
             * @description the number of removed records by kind, so far
             */
            removed: {
                [key: string]: number;
            };
            /**
             * Requested At
             * Format: date-time
             */
            requested_at: string;
            /**
             * Status
             * @enum {string}
             */
            status: "requested" | "completed";
            /**
             * Still On Disk
             * @description where deleted data remains on disk, and until when
             */
            still_on_disk: {
                [key: string]: string;
            };
        };
        /**
         * ErrorOut
         * @description An error as a problem document (RFC 9457). `code` is stable; `detail` is for humans and may change.
         */
        ErrorOut: {
            /** Code */
            code: string;
            /** Detail */
            detail: string;
            /**
             * Message
             * @description the same as `detail`
             */
            message: string;
            /** Status */
            status: number;
            /** Title */
            title: string;
            /** Type */
            type: string;
        };
        /**
         * EvidenceOut
         * @description A verbatim quote, with its speaker and time.
         */
        EvidenceOut: {
            /** Position */
            position: number | null;
            /** Quote */
            quote: string;
            /**
             * Said At
             * Format: date-time
             */
            said_at: string;
            /** Session Id */
            session_id: string;
            /** Speaker */
            speaker: string;
            /** Turn Id */
            turn_id: string;
        };
        /**
         * FactIdsOut
         * @description The ids of the facts. Redis has stored the edit; it takes effect in about a second.
         */
        FactIdsOut: {
            /** Fact Ids */
            fact_ids: string[];
        };
        /**
         * FactIn
         * @description One fact to add. The rules of `MemoryClient.add_fact` apply.
         */
        FactIn: {
            /**
             * Attribute
             * @description the attribute of the subject, such as lives_in
             */
            attribute?: string | null;
            /**
             * Category
             * @description the category, such as place or preference
             */
            category?: string | null;
            /**
             * Importance
             * @description 0 (trivial) to 1 (essential)
             */
            importance?: number | null;
            /**
             * Life
             * @description what kind of statement it is; null: by the other fields
             */
            life?: ("lasting" | "event" | "plan" | "state" | "attitude") | null;
            /**
             * Pinned
             * @description protect the fact from every clean-up
             * @default false
             */
            pinned?: boolean;
            /**
             * Subject
             * @description the name of the person or thing that the fact is about
             */
            subject?: string | null;
            /**
             * Text
             * @description one sentence that can be understood without context
             */
            text: string;
            /**
             * Topics
             * @description words to find the fact by
             */
            topics?: string[];
            /**
             * Valid From
             * @description the time from which the fact is true, with a timezone
             */
            valid_from?: string | null;
            /**
             * Valid To
             * @description the time at which the fact stopped being true, with a timezone
             */
            valid_to?: string | null;
            /**
             * Value
             * @description the value of the attribute
             */
            value?: string | null;
        };
        /**
         * FactOut
         * @description One fact with its state and its evidence.
         */
        FactOut: {
            /** Attribute */
            attribute: string | null;
            /** Category */
            category: string;
            /** Ended Because */
            ended_because: string | null;
            /** Evidence */
            evidence: components["schemas"]["EvidenceOut"][];
            /** Fact Id */
            fact_id: string;
            /**
             * Fades At
             * @description when it leaves recall and this list, compared with the time of the user's newest turn; null: never
             */
            fades_at: string | null;
            /** Importance */
            importance: number;
            /**
             * Is Outcome Unknown
             * @description a plan whose day has passed, and of which no outcome is known
             */
            is_outcome_unknown: boolean;
            /** Is Pinned */
            is_pinned: boolean;
            /**
             * Life
             * @description what kind of statement it is; null: not determined yet
             */
            life: ("lasting" | "event" | "plan" | "state" | "attitude") | null;
            /** Origin */
            origin: string;
            /**
             * Recorded At
             * Format: date-time
             */
            recorded_at: string;
            /**
             * Said At
             * Format: date-time
             */
            said_at: string;
            /** Said By */
            said_by: string;
            /** Status */
            status: string;
            /** Subject */
            subject: string | null;
            /** Superseded At */
            superseded_at: string | null;
            /** Superseded By */
            superseded_by: string | null;
            /** Text */
            text: string;
            /** Times Seen */
            times_seen: number;
            /** Topics */
            topics: string[];
            /** Valid From */
            valid_from: string | null;
            /** Valid To */
            valid_to: string | null;
            /** Value */
            value: string | null;
        };
        /**
         * FactVersionsOut
         * @description All versions of a fact, oldest first.
         */
        FactVersionsOut: {
            /** Facts */
            facts: components["schemas"]["FactOut"][];
        };
        /**
         * FactsOut
         * @description Facts, the most recently said first.
         */
        FactsOut: {
            /** Facts */
            facts: components["schemas"]["FactOut"][];
            /**
             * Next Cursor
             * @description the cursor of the next page; null: there is none
             */
            next_cursor: string | null;
        };
        /**
         * Health
         * @description `status` is `ok` if both servers answer, a worker serves each stage, sweeps complete, and no breaker is open.
         */
        Health: {
            /**
             * Endpoints
             * @description llm, embedder: closed, open (it fails for everybody, no calls are made) or probing
             */
            endpoints: {
                [key: string]: string;
            };
            /**
             * Memory Share
             * @description the used part of Redis's maxmemory; null without a limit
             */
            memory_share: number | null;
            /** Postgres */
            postgres: boolean;
            /**
             * Redis
             * @description whether Redis answers and takes writes
             */
            redis: boolean;
            /**
             * Stages Without Workers
             * @description stages that no worker serves
             */
            stages_without_workers: string[];
            /** Status */
            status: string;
            /**
             * Sweep Seconds
             * @description since the last sweep was completed; null: none within a day
             */
            sweep_seconds: number | null;
        };
        /**
         * HistoryIn
         * @description How the session's turns are selected.
         */
        HistoryIn: {
            /**
             * Kind
             * @default summary_and_recent
             * @enum {string}
             */
            kind?: "summary_and_recent" | "last_turns" | "last_tokens" | "important_only";
            /**
             * Limit
             * @description the largest number of turns or tokens; for important_only, the number of turns to select from
             */
            limit?: number | null;
        };
        /**
         * HistoryOut
         * @description Turns, oldest first.
         */
        HistoryOut: {
            /**
             * Next Cursor
             * @description the cursor of the turns before these; null: there are none
             */
            next_cursor: string | null;
            /** Turns */
            turns: components["schemas"]["TurnOut"][];
        };
        /**
         * ImportOut
         * @description How far an import is, in turns.
         */
        ImportOut: {
            /**
             * Already Archived
             * @description turns that were archived before
             */
            already_archived: number;
            /**
             * Conflicting
             * @description turns with the id of a turn that has other content; they are not written
             */
            conflicting: number;
            /**
             * Error
             * @description the code of the error that ended it
             */
            error: string | null;
            /**
             * Import Id
             * @description the name of the import; the same upload has the same name
             */
            import_id: string;
            /**
             * Skipped
             * @description invalid lines that were left out
             */
            skipped: number;
            /**
             * State
             * @description interrupted and failed: upload the same file again to continue
             * @enum {string}
             */
            state: "running" | "completed" | "interrupted" | "failed";
            /**
             * Total
             * @description the number of valid lines
             */
            total: number;
            /** Written */
            written: number;
        };
        /**
         * LockIn
         * @description How a lock is taken.
         */
        LockIn: {
            /**
             * Lease Seconds
             * @description how long the lock is held unless it is renewed, in seconds
             * @default 30
             */
            lease_seconds?: number;
            /**
             * Wait Seconds
             * @description how long to wait while somebody else has it, in seconds
             * @default 0
             */
            wait_seconds?: number;
        };
        /**
         * LockOut
         * @description A lock that is held.
         */
        LockOut: {
            /**
             * Fence
             * @description larger than those of all holders before; pass it to each write
             */
            fence: number;
            /** Name */
            name: string;
        };
        /**
         * MemoryIn
         * @description One memory to add: a fact about the user.
         */
        MemoryIn: {
            /**
             * Memory
             * @description one sentence that can be understood without context
             */
            memory: string;
            /**
             * Topics
             * @description words to find the memory by
             */
            topics?: string[] | null;
        };
        /**
         * MemoryOut
         * @description One memory: a fact, a turn or an episode.
         */
        MemoryOut: {
            /** Category */
            category: string | null;
            /**
             * Contradicting Texts
             * @description current facts that cannot be true together with this one
             */
            contradicting_texts: string[];
            /** Cursor */
            cursor: string | null;
            /** Evidence */
            evidence: components["schemas"]["EvidenceOut"][];
            /**
             * Fades At
             * @description when the fact leaves recall, compared with the time of the user's newest turn; null: never
             */
            fades_at: string | null;
            /** Importance */
            importance: number | null;
            /**
             * Is Outcome Unknown
             * @description a plan whose day has passed, and of which no outcome is known
             */
            is_outcome_unknown: boolean;
            /** Kind */
            kind: string;
            /**
             * Life
             * @description of a fact: what kind of statement it is
             */
            life: ("lasting" | "event" | "plan" | "state" | "attitude") | null;
            /** Memory Id */
            memory_id: string;
            /**
             * Said At
             * Format: date-time
             */
            said_at: string;
            /** Score */
            score: number;
            /** Score Parts */
            score_parts: {
                [key: string]: number;
            } | null;
            /** Session Id */
            session_id: string;
            /** Status */
            status: string;
            /** Superseded Texts */
            superseded_texts: string[];
            /** Text */
            text: string;
            /** Topics */
            topics: string[];
            /** Valid From */
            valid_from: string | null;
            /** Valid To */
            valid_to: string | null;
        };
        /**
         * MergeIn
         * @description Which user becomes part of the user in the path.
         */
        MergeIn: {
            /**
             * Source
             * @description the id of the user who vanishes, such as an anonymous visitor who signed in
             */
            source: string;
        };
        /**
         * MergeOut
         * @description How far a merge is. It is a receipt when `status` is completed.
         */
        MergeOut: {
            /** Completed At */
            completed_at: string | null;
            /**
             * Merge Id
             * Format: uuid
             */
            merge_id: string;
            /**
             * Moved
             * @description the number of moved records by kind
             */
            moved: {
                [key: string]: number;
            };
            /**
             * Requested At
             * Format: date-time
             */
            requested_at: string;
            /**
             * Sessions
             * @description sessions that have another id now, because both users had one with the same id
             */
            sessions: {
                [key: string]: string;
            };
            /** Source */
            source: string;
            /**
             * Status
             * @enum {string}
             */
            status: "requested" | "completed";
            /** Target */
            target: string;
        };
        /**
         * PageOut
         * @description Which page of a list it is.
         */
        PageOut: {
            /** Limit */
            limit: number;
            /** Page */
            page: number;
            /** Total Count */
            total_count: number;
            /** Total Pages */
            total_pages: number;
        };
        /**
         * PartOut
         * @description The tokens and entries of one part of the context.
         */
        PartOut: {
            /** Left Out */
            left_out: number;
            /** Name */
            name: string;
            /** Shown */
            shown: number;
            /** Tokens */
            tokens: number;
        };
        /**
         * PreferenceIn
         * @description The new value of a preference.
         */
        PreferenceIn: {
            /**
             * Edit Id
             * @description an id that the caller chooses; repeating it has no further effect
             */
            edit_id?: string | null;
            /**
             * Value
             * @description the new value, such as green
             */
            value: string;
        };
        /**
         * PreferencesOut
         * @description The current value of each preference.
         */
        PreferencesOut: {
            /** Preferences */
            preferences: {
                [key: string]: string;
            };
        };
        /**
         * ProfileOut
         * @description A profile, one fact per line. `text` is null if there is no profile yet.
         */
        ProfileOut: {
            /** Text */
            text: string | null;
        };
        /**
         * Readiness
         * @description `status` is `ready` if every server answers, sweeps complete, each stage has a worker, and no turn is late.
         */
        Readiness: {
            /**
             * Backlog Seconds
             * @description the age of the oldest unprocessed turn; null: there is none
             */
            backlog_seconds: number | null;
            /**
             * Broker
             * @description null: it is no Redis, and is not asked
             */
            broker: boolean | null;
            /**
             * Objective Seconds
             * @description the largest age that is not late
             */
            objective_seconds: number;
            /** Postgres */
            postgres: boolean;
            /**
             * Problems
             * @description what is not as it should be
             */
            problems: string[];
            /** Redis */
            redis: boolean;
            /** Stages Without Workers */
            stages_without_workers: string[];
            /**
             * Status
             * @description ready or not_ready
             */
            status: string;
            /**
             * Sweep Seconds
             * @description since the last sweep was completed; null: none within a day
             */
            sweep_seconds: number | null;
        };
        /**
         * RecallBody
         * @description The same fields as a request body, for queries that are too long for a URL.
         */
        RecallBody: {
            /**
             * Agent Id
             * @description only turns of this agent, and memories based on them
             */
            agent_id?: string | null;
            /**
             * As Of
             * @description facts that were true (recorded: stored as current) at this time
             */
            as_of?: string | null;
            /**
             * Cursor
             * @description the cursor of the last memory of the previous page
             */
            cursor?: string | null;
            /**
             * Explain
             * @default false
             */
            explain?: boolean;
            /**
             * Include Faded
             * @description also plans and states that nobody spoke of for a while
             * @default false
             */
            include_faded?: boolean;
            /**
             * Include Superseded
             * @default false
             */
            include_superseded?: boolean;
            /** Kinds */
            kinds?: ("fact" | "turn" | "episode")[] | null;
            /**
             * Limit
             * @default 10
             */
            limit?: number;
            /**
             * Metadata
             * @description only turns whose metadata contain this JSON object
             */
            metadata?: {
                [key: string]: unknown;
            } | null;
            /** Min Score */
            min_score?: number | null;
            /**
             * Order
             * @description the order without a query
             */
            order?: ("newest" | "importance") | null;
            /**
             * Query
             * @description a question or a topic; without a query, see order
             */
            query?: string | null;
            /**
             * Session Id
             * @description only memories from this conversation
             */
            session_id?: string | null;
            /**
             * Since
             * @description only memories of this time or later
             */
            since?: string | null;
            /**
             * Time
             * @description the time that since, until and as_of are compared with
             * @default world
             * @enum {string}
             */
            time?: "world" | "recorded";
            /**
             * Topics
             * @description only facts with at least one of these topics
             */
            topics?: string[] | null;
            /**
             * Until
             * @description only memories before this time
             */
            until?: string | null;
        };
        /**
         * RecallOut
         * @description Memories, best first.
         */
        RecallOut: {
            /** Memories */
            memories: components["schemas"]["MemoryOut"][];
        };
        /**
         * RemovedOut
         * @description How many turns were removed.
         */
        RemovedOut: {
            /** Removed */
            removed: number;
        };
        /**
         * RenewIn
         * @description Which holder renews its lease.
         */
        RenewIn: {
            /**
             * Fence
             * @description the fence of the holder
             */
            fence: number;
            /**
             * Lease Seconds
             * @description how long the lock is held unless it is renewed, in seconds
             * @default 30
             */
            lease_seconds?: number;
        };
        /**
         * RunMetricsOut
         * @description The cost of an answer, in tokens.
         */
        RunMetricsOut: {
            /**
             * Cache Read Tokens
             * @description the part of input_tokens that the provider had cached
             */
            cache_read_tokens: number;
            /** Input Tokens */
            input_tokens: number;
            /** Output Tokens */
            output_tokens: number;
            /** Total Tokens */
            total_tokens: number;
        };
        /**
         * RunOut
         * @description The answer of an agent.
         */
        RunOut: {
            /** Agent Id */
            agent_id: string;
            /** Agent Name */
            agent_name: string;
            /**
             * Content
             * @description the answer
             */
            content: string;
            /**
             * Content Type
             * @default str
             * @constant
             */
            content_type?: "str";
            /**
             * Created At
             * @description when the run began, in seconds since 1970
             */
            created_at: number;
            /**
             * Memory
             * @description unavailable: the memory did not answer in time, and the agent answered without it
             * @enum {string}
             */
            memory: "on" | "unavailable";
            /**
             * Memory Ids
             * @description the memories that the model was shown
             */
            memory_ids: string[];
            /** @description null: the answer is that of an earlier, equal request */
            metrics: components["schemas"]["RunMetricsOut"] | null;
            /** Model */
            model: string;
            /** Run Id */
            run_id: string;
            /** Session Id */
            session_id: string;
            /**
             * Status
             * @default COMPLETED
             * @constant
             */
            status?: "COMPLETED";
            /** User Id */
            user_id: string;
        };
        /**
         * SessionOut
         * @description One conversation of a user.
         */
        SessionOut: {
            /**
             * Created At
             * @description when its first turn was archived
             */
            created_at: string | null;
            /**
             * Is Pending
             * @description whether turns or removals wait to be archived
             */
            is_pending: boolean;
            /**
             * Last Active At
             * @description when its last turn was archived
             */
            last_active_at: string | null;
            /**
             * Last Said At
             * @description the latest time at which a turn was said
             */
            last_said_at: string | null;
            /** Session Id */
            session_id: string;
            /**
             * Turns
             * @description the number of archived turns, without removed ones
             */
            turns: number;
        };
        /**
         * SessionsOut
         * @description Sessions: those that are not archived yet first, then the last active first.
         */
        SessionsOut: {
            /**
             * Next Cursor
             * @description the cursor of the next page; null: there is none
             */
            next_cursor: string | null;
            /** Sessions */
            sessions: components["schemas"]["SessionOut"][];
        };
        /**
         * SharesIn
         * @description The largest fraction of the token budget for each part. Their sum is at most 1; missing ones have defaults.
         */
        SharesIn: {
            /**
             * Pinned
             * @default 0.15
             */
            pinned?: number;
            /**
             * Profile
             * @default 0.1
             */
            profile?: number;
            /**
             * Recent
             * @default 0.35
             */
            recent?: number;
            /**
             * Relevant
             * @default 0.3
             */
            relevant?: number;
            /**
             * Summary
             * @default 0.1
             */
            summary?: number;
        };
        /**
         * StateEntryOut
         * @description A document in a list.
         */
        StateEntryOut: {
            /**
             * Expires At
             * @description null: it does not expire
             */
            expires_at: string | null;
            /** Key */
            key: string;
            /**
             * Updated At
             * Format: date-time
             */
            updated_at: string;
            /** Version */
            version: number;
        };
        /**
         * StateOut
         * @description Documents by key, without their values.
         */
        StateOut: {
            /** Documents */
            documents: components["schemas"]["StateEntryOut"][];
            /**
             * Next Cursor
             * @description the cursor of the next page; null: there is none
             */
            next_cursor: string | null;
        };
        /**
         * StatementOut
         * @description One statement of a summary.
         */
        StatementOut: {
            /**
             * Episode Ids
             * @description the episodes that the statement is based on
             */
            episode_ids: string[];
            /** Text */
            text: string;
        };
        /**
         * SummaryOut
         * @description A summary; its statements are sorted oldest first. `text` is null if there is no summary yet.
         */
        SummaryOut: {
            /** Statements */
            statements: components["schemas"]["StatementOut"][];
            /** Text */
            text: string | null;
        };
        /**
         * ThreadOut
         * @description How one matter developed, and how it stands.
         */
        ThreadOut: {
            /**
             * Is By Rules
             * @description whether rules wrote it, without a model
             */
            is_by_rules: boolean;
            /**
             * Last Said At
             * Format: date-time
             * @description when the last of its facts was said
             */
            last_said_at: string;
            /**
             * Made At
             * Format: date-time
             * @description when it was written
             */
            made_at: string;
            /**
             * Started At
             * Format: date-time
             * @description since when its oldest fact holds
             */
            started_at: string;
            /** @description how it stands now; null: not known */
            state: components["schemas"]["ThreadStepOut"] | null;
            /**
             * Steps
             * @description oldest first
             */
            steps: components["schemas"]["ThreadStepOut"][];
            /**
             * Text
             * @description the thread on one line: title, dated steps, present state
             */
            text: string;
            /** Thread Id */
            thread_id: string;
            /** Title */
            title: string;
        };
        /**
         * ThreadStepOut
         * @description One step of a development, or the present state.
         */
        ThreadStepOut: {
            /**
             * Day
             * @description the day on which its last fact began to hold, or was said
             */
            day: string | null;
            /**
             * Fact Ids
             * @description the facts that it rests on
             */
            fact_ids: string[];
            /** Text */
            text: string;
        };
        /**
         * ThreadsOut
         * @description Threads, the one that was last said something about first.
         */
        ThreadsOut: {
            /** Threads */
            threads: components["schemas"]["ThreadOut"][];
        };
        /**
         * TurnIn
         * @description One turn to write: a message of a chat API as it is. The rules of `MemoryClient.write` apply.
         *
         *     Other fields of messages, such as tool_calls, tool_call_id and refusal, are allowed. Unknown fields are refused.
         */
        TurnIn: {
            /**
             * Content
             * @description the text of the turn, a list of content parts, or null beside tool calls
             */
            content?: string | {
                [key: string]: unknown;
            }[] | null;
            /**
             * Memories Shown
             * @description ids of the memories that the assistant saw
             */
            memories_shown?: string[];
            /**
             * Metadata
             * @description the caller's own JSON data
             */
            metadata?: {
                [key: string]: unknown;
            };
            /**
             * Name
             * @description the speaker's name
             */
            name?: string | null;
            /**
             * Occurred At
             * @description the time of the turn, with a timezone; by default now
             */
            occurred_at?: string | null;
            /**
             * Role
             * @description user, assistant, system, developer, tool, function or exchange
             */
            role?: string | null;
            /**
             * Turn Id
             * @description an id that the caller chooses; the same id is never stored twice
             */
            turn_id?: string | null;
        } & {
            [key: string]: unknown;
        };
        /**
         * TurnOut
         * @description One turn of a session.
         */
        TurnOut: {
            /** Agent Id */
            agent_id: string | null;
            /**
             * Away
             * @description why the content is not here: the code of an error of the cold archive; null: it is here
             */
            away: string | null;
            /** Content */
            content: string;
            /** Metadata */
            metadata: {
                [key: string]: unknown;
            };
            /** Name */
            name: string | null;
            /**
             * Occurred At
             * Format: date-time
             */
            occurred_at: string;
            /** Position */
            position: number | null;
            /** Role */
            role: string;
            /** Turn Id */
            turn_id: string;
        };
        /**
         * UserMemoriesOut
         * @description Memories of a user, the most recently said first.
         */
        UserMemoriesOut: {
            /** Data */
            data: components["schemas"]["UserMemoryOut"][];
            /**
             * Next Cursor
             * @description the cursor of the next page; null: there is none
             */
            next_cursor: string | null;
        };
        /**
         * UserMemoryOut
         * @description One memory of a user: a current fact. All agents share it.
         */
        UserMemoryOut: {
            /** Memory */
            memory: string;
            /**
             * Memory Id
             * @description the id of the fact
             */
            memory_id: string;
            /** Topics */
            topics: string[];
            /**
             * Updated At
             * @description when it was stored; null: it will be, in about a second
             */
            updated_at: string | null;
            /** User Id */
            user_id: string;
        };
        /**
         * UserMemoryPageOut
         * @description One page of the memories of a user.
         */
        UserMemoryPageOut: {
            /** Data */
            data: components["schemas"]["UserMemoryOut"][];
            meta: components["schemas"]["PageOut"];
        };
        /**
         * UserOut
         * @description One user with the size of the memory.
         */
        UserOut: {
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Current Facts */
            current_facts: number;
            /**
             * Last Active At
             * @description when the last turn was archived
             */
            last_active_at: string | null;
            /** Sessions */
            sessions: number;
            /** User Id */
            user_id: string;
        };
        /**
         * UsersOut
         * @description Users in the order of their ids.
         */
        UsersOut: {
            /**
             * Next Cursor
             * @description the cursor of the next page; null: there is none
             */
            next_cursor: string | null;
            /** Users */
            users: components["schemas"]["UserOut"][];
        };
        /**
         * VersionOut
         * @description The version of a document after it was written.
         */
        VersionOut: {
            /** Version */
            version: number;
        };
        /**
         * WriteIn
         * @description Turns of one session, oldest first.
         */
        WriteIn: {
            /** Agent Id */
            agent_id?: string | null;
            /** Turns */
            turns: components["schemas"]["TurnIn"][];
        };
        /**
         * WriteOut
         * @description The ids of the turns. Redis has stored the turns.
         */
        WriteOut: {
            /** Turn Ids */
            turn_ids: string[];
        };
        /**
         * RunIn
         * @description One message of a user to an agent.
         */
        CreateAgentRunBody: {
            /**
             * Instructions
             * @description what the model is told first
             */
            instructions?: string | null;
            /**
             * Message
             * @description what the user says
             */
            message: string;
            /**
             * Name
             * @description the user's name, for the facts about the user
             */
            name?: string | null;
            /**
             * Session Id
             * @description the conversation; by default a new one
             */
            session_id?: string | null;
            /**
             * Stream
             * @description whether the answer comes piece by piece, as server-sent events; by default false
             */
            stream?: boolean | null;
            /**
             * User Id
             * @description the user; by default the only user of the credential, else AFTERTURN_CHAT_USER
             */
            user_id?: string | null;
        };
        GetMemoriesQuery: {
            /**
             * User Id
             * @description the user; by default as in a run
             */
            user_id?: string | null;
            /**
             * Topics
             * @description only memories with all of these topics, in upper or lower case; one text may have several, between commas
             */
            topics?: string[] | null;
            /**
             * Limit
             * @description the largest number of memories of a page
             * @default 20
             */
            limit?: number;
            /**
             * Page
             * @description the number of the page, from 1
             * @default 1
             */
            page?: number;
            /**
             * Sort By
             * @description the field to sort by
             * @default updated_at
             * @constant
             */
            sort_by?: "updated_at";
            /**
             * Sort Order
             * @description desc: the most recently said first
             * @default desc
             * @enum {string}
             */
            sort_order?: "asc" | "desc";
        };
        ListAgentMemoriesQuery: {
            /**
             * User Id
             * @description the user; by default as in a run
             */
            user_id?: string | null;
            /**
             * Topics
             * @description only memories with all of these topics, in upper or lower case; one text may have several, between commas
             */
            topics?: string[] | null;
            /**
             * Limit
             * @description the largest number of entries of a page
             * @default 100
             */
            limit?: number;
            /**
             * Cursor
             * @description next_cursor of the previous page. All other parameters must be the same
             */
            cursor?: string | null;
        };
        /**
         * RunIn
         * @description One message of a user to an agent.
         */
        RunAgentBody: {
            /**
             * Instructions
             * @description what the model is told first
             */
            instructions?: string | null;
            /**
             * Message
             * @description what the user says
             */
            message: string;
            /**
             * Name
             * @description the user's name, for the facts about the user
             */
            name?: string | null;
            /**
             * Session Id
             * @description the conversation; by default a new one
             */
            session_id?: string | null;
            /**
             * Stream
             * @description whether the answer comes piece by piece, as server-sent events; by default false
             */
            stream?: boolean | null;
            /**
             * User Id
             * @description the user; by default the only user of the credential, else AFTERTURN_CHAT_USER
             */
            user_id?: string | null;
        };
        ListDeadLettersQuery: {
            /**
             * User Id
             * @description only of this user
             */
            user_id?: string | null;
            /**
             * Reason
             * @description only those whose reason begins with this
             */
            reason?: string | null;
            /**
             * Include Discarded
             * @description also discarded ones
             * @default false
             */
            include_discarded?: boolean;
            /**
             * Limit
             * @description the largest number of entries of a page
             * @default 100
             */
            limit?: number;
        };
        ListUsersQuery: {
            /**
             * Prefix
             * @description only users whose ids begin with this
             */
            prefix?: string | null;
            /**
             * Limit
             * @description the largest number of entries of a page
             * @default 100
             */
            limit?: number;
            /**
             * Cursor
             * @description next_cursor of the previous page. All other parameters must be the same
             */
            cursor?: string | null;
        };
        ListContradictionsQuery: {
            /**
             * Limit
             * @description the largest number of entries of a page
             * @default 100
             */
            limit?: number;
        };
        CountCostsQuery: {
            /**
             * By
             * @description the grouping; user gives one total
             * @default day
             * @enum {string}
             */
            by?: "user" | "day" | "stage" | "batch";
            /**
             * Days
             * @description the number of last days to count, in UTC, including today
             * @default 30
             */
            days?: number;
        };
        ListEpisodesQuery: {
            /**
             * Query
             * @description a question or a topic: the episodes that are similar to it
             */
            query?: string | null;
            /**
             * Session Id
             * @description only episodes of this conversation
             */
            session_id?: string | null;
            /**
             * Since
             * @description only episodes that ended at this time or later
             */
            since?: string | null;
            /**
             * Until
             * @description only episodes that began before this time
             */
            until?: string | null;
            /**
             * Limit
             * @description the largest number of entries of a page
             * @default 20
             */
            limit?: number;
            /**
             * Cursor
             * @description next_cursor of the previous page. All other parameters must be the same
             */
            cursor?: string | null;
        };
        ListFactsQuery: {
            /**
             * Subject
             * @description only facts about the person or thing with this name
             */
            subject?: string | null;
            /**
             * Attribute
             * @description only facts with this attribute, such as lives_in
             */
            attribute?: string | null;
            /**
             * Topic
             * @description only facts with this topic
             */
            topic?: string | null;
            /**
             * Category
             * @description only facts of this category, such as place
             */
            category?: string | null;
            /**
             * Life
             * @description only facts of this kind
             */
            life?: ("lasting" | "event" | "plan" | "state" | "attitude") | null;
            /**
             * Include Superseded
             * @description also superseded facts, and facts that have faded
             * @default false
             */
            include_superseded?: boolean;
            /**
             * Include Faded
             * @description also plans and states that nobody spoke of for a while
             * @default false
             */
            include_faded?: boolean;
            /**
             * As Of
             * @description the facts at this time, with a timezone
             */
            as_of?: string | null;
            /**
             * Time
             * @description facts that were true (world) or stored as current (recorded) at as_of
             * @default world
             * @enum {string}
             */
            time?: "world" | "recorded";
            /**
             * Limit
             * @description the largest number of entries of a page
             * @default 100
             */
            limit?: number;
            /**
             * Cursor
             * @description next_cursor of the previous page. All other parameters must be the same
             */
            cursor?: string | null;
        };
        RetractFactQuery: {
            /**
             * Edit Id
             * @description an id that the caller chooses; repeating it has no further effect
             */
            edit_id?: string | null;
        };
        KeepFactQuery: {
            /**
             * Edit Id
             * @description an id that the caller chooses; repeating it has no further effect
             */
            edit_id?: string | null;
        };
        ImportTurnsQuery: {
            /**
             * Session Id
             * @description the session of lines without a session
             */
            session_id?: string | null;
            /**
             * Skip Invalid
             * @description import the valid lines even if others are invalid
             * @default false
             */
            skip_invalid?: boolean;
        };
        ReleaseLockQuery: {
            /**
             * Fence
             * @description the fence of the holder
             */
            fence: number;
        };
        ListSessionsQuery: {
            /**
             * Limit
             * @description the largest number of entries of a page
             * @default 100
             */
            limit?: number;
            /**
             * Cursor
             * @description next_cursor of the previous page. All other parameters must be the same
             */
            cursor?: string | null;
        };
        FlushQuery: {
            /**
             * Wait Seconds
             * @description the longest time to wait, seconds
             */
            wait_seconds?: number | null;
        };
        RecallQuery: {
            /**
             * Query
             * @description a question or a topic; without a query, see order
             */
            query?: string | null;
            /**
             * Limit
             * @default 10
             */
            limit?: number;
            /** Kinds */
            kinds?: ("fact" | "turn" | "episode")[] | null;
            /**
             * Topics
             * @description only facts with at least one of these topics
             */
            topics?: string[] | null;
            /**
             * Session Id
             * @description only memories from this conversation
             */
            session_id?: string | null;
            /**
             * Agent Id
             * @description only turns of this agent, and memories based on them
             */
            agent_id?: string | null;
            /**
             * Since
             * @description only memories of this time or later
             */
            since?: string | null;
            /**
             * Until
             * @description only memories before this time
             */
            until?: string | null;
            /**
             * Time
             * @description the time that since, until and as_of are compared with
             * @default world
             * @enum {string}
             */
            time?: "world" | "recorded";
            /**
             * As Of
             * @description facts that were true (recorded: stored as current) at this time
             */
            as_of?: string | null;
            /** Min Score */
            min_score?: number | null;
            /**
             * Include Superseded
             * @default false
             */
            include_superseded?: boolean;
            /**
             * Include Faded
             * @description also plans and states that nobody spoke of for a while
             * @default false
             */
            include_faded?: boolean;
            /**
             * Metadata
             * @description only turns whose metadata contain this JSON object
             */
            metadata?: string | null;
            /**
             * Order
             * @description the order without a query
             */
            order?: ("newest" | "importance") | null;
            /**
             * Cursor
             * @description the cursor of the last memory of the previous page
             */
            cursor?: string | null;
            /**
             * Explain
             * @default false
             */
            explain?: boolean;
        };
        ListTurnsQuery: {
            /**
             * Limit
             * @description the largest number of entries of a page
             * @default 20
             */
            limit?: number;
            /**
             * Cursor
             * @description next_cursor of the previous page. All other parameters must be the same
             */
            cursor?: string | null;
        };
        ListDocumentsQuery: {
            /**
             * Scope
             * @description what it belongs to: the user, the session session_id, or the agent agent_id
             * @default user
             * @enum {string}
             */
            scope?: "user" | "session" | "agent";
            /**
             * Prefix
             * @description only keys that begin with this
             * @default
             */
            prefix?: string;
            /**
             * Limit
             * @description the largest number of entries of a page
             * @default 100
             */
            limit?: number;
            /**
             * Cursor
             * @description next_cursor of the previous page. All other parameters must be the same
             */
            cursor?: string | null;
            /**
             * Session Id
             * @description the conversation, for scope=session
             */
            session_id?: string | null;
            /**
             * Agent Id
             * @description the agent, for scope=agent
             */
            agent_id?: string | null;
        };
        DeleteDocumentQuery: {
            /**
             * Scope
             * @description what it belongs to: the user, the session session_id, or the agent agent_id
             * @default user
             * @enum {string}
             */
            scope?: "user" | "session" | "agent";
            /**
             * Fence
             * @description the fence of a lock that must be held
             */
            fence?: number | null;
            /**
             * Session Id
             * @description the conversation, for scope=session
             */
            session_id?: string | null;
            /**
             * Agent Id
             * @description the agent, for scope=agent
             */
            agent_id?: string | null;
            /**
             * Expected
             * @description the version that the document must have, in place of If-Match; 0: there must be none
             */
            expected?: number | null;
        };
        GetDocumentQuery: {
            /**
             * Scope
             * @description what it belongs to: the user, the session session_id, or the agent agent_id
             * @default user
             * @enum {string}
             */
            scope?: "user" | "session" | "agent";
            /**
             * Session Id
             * @description the conversation, for scope=session
             */
            session_id?: string | null;
            /**
             * Agent Id
             * @description the agent, for scope=agent
             */
            agent_id?: string | null;
        };
        PutDocumentQuery: {
            /**
             * Scope
             * @description what it belongs to: the user, the session session_id, or the agent agent_id
             * @default user
             * @enum {string}
             */
            scope?: "user" | "session" | "agent";
            /**
             * Session Id
             * @description the conversation, for scope=session
             */
            session_id?: string | null;
            /**
             * Agent Id
             * @description the agent, for scope=agent
             */
            agent_id?: string | null;
            /**
             * Expected
             * @description the version that the document must have, in place of If-Match; 0: there must be none
             */
            expected?: number | null;
        };
        ListThreadsQuery: {
            /**
             * Limit
             * @description the largest number of entries of a page
             * @default 100
             */
            limit?: number;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type AddFactsIn = components['schemas']['AddFactsIn'];
export type AddMemoriesIn = components['schemas']['AddMemoriesIn'];
export type AddMemoryIn = components['schemas']['AddMemoryIn'];
export type AddedMemoriesOut = components['schemas']['AddedMemoriesOut'];
export type ChangeFactIn = components['schemas']['ChangeFactIn'];
export type ContextIn = components['schemas']['ContextIn'];
export type ContextOut = components['schemas']['ContextOut'];
export type ContradictionOut = components['schemas']['ContradictionOut'];
export type ContradictionsOut = components['schemas']['ContradictionsOut'];
export type CostOut = components['schemas']['CostOut'];
export type CostsOut = components['schemas']['CostsOut'];
export type DeadIdsIn = components['schemas']['DeadIdsIn'];
export type DeadLetterOut = components['schemas']['DeadLetterOut'];
export type DeadLettersOut = components['schemas']['DeadLettersOut'];
export type DocumentIn = components['schemas']['DocumentIn'];
export type DocumentOut = components['schemas']['DocumentOut'];
export type DoneOut = components['schemas']['DoneOut'];
export type EpisodeOut = components['schemas']['EpisodeOut'];
export type EpisodesOut = components['schemas']['EpisodesOut'];
export type ErasureOut = components['schemas']['ErasureOut'];
export type ErrorOut = components['schemas']['ErrorOut'];
export type EvidenceOut = components['schemas']['EvidenceOut'];
export type FactIdsOut = components['schemas']['FactIdsOut'];
export type FactIn = components['schemas']['FactIn'];
export type FactOut = components['schemas']['FactOut'];
export type FactVersionsOut = components['schemas']['FactVersionsOut'];
export type FactsOut = components['schemas']['FactsOut'];
export type Health = components['schemas']['Health'];
export type HistoryIn = components['schemas']['HistoryIn'];
export type HistoryOut = components['schemas']['HistoryOut'];
export type ImportOut = components['schemas']['ImportOut'];
export type LockIn = components['schemas']['LockIn'];
export type LockOut = components['schemas']['LockOut'];
export type MemoryIn = components['schemas']['MemoryIn'];
export type MemoryOut = components['schemas']['MemoryOut'];
export type MergeIn = components['schemas']['MergeIn'];
export type MergeOut = components['schemas']['MergeOut'];
export type PageOut = components['schemas']['PageOut'];
export type PartOut = components['schemas']['PartOut'];
export type PreferenceIn = components['schemas']['PreferenceIn'];
export type PreferencesOut = components['schemas']['PreferencesOut'];
export type ProfileOut = components['schemas']['ProfileOut'];
export type Readiness = components['schemas']['Readiness'];
export type RecallBody = components['schemas']['RecallBody'];
export type RecallOut = components['schemas']['RecallOut'];
export type RemovedOut = components['schemas']['RemovedOut'];
export type RenewIn = components['schemas']['RenewIn'];
export type RunMetricsOut = components['schemas']['RunMetricsOut'];
export type RunOut = components['schemas']['RunOut'];
export type SessionOut = components['schemas']['SessionOut'];
export type SessionsOut = components['schemas']['SessionsOut'];
export type SharesIn = components['schemas']['SharesIn'];
export type StateEntryOut = components['schemas']['StateEntryOut'];
export type StateOut = components['schemas']['StateOut'];
export type StatementOut = components['schemas']['StatementOut'];
export type SummaryOut = components['schemas']['SummaryOut'];
export type ThreadOut = components['schemas']['ThreadOut'];
export type ThreadStepOut = components['schemas']['ThreadStepOut'];
export type ThreadsOut = components['schemas']['ThreadsOut'];
export type TurnIn = components['schemas']['TurnIn'];
export type TurnOut = components['schemas']['TurnOut'];
export type UserMemoriesOut = components['schemas']['UserMemoriesOut'];
export type UserMemoryOut = components['schemas']['UserMemoryOut'];
export type UserMemoryPageOut = components['schemas']['UserMemoryPageOut'];
export type UserOut = components['schemas']['UserOut'];
export type UsersOut = components['schemas']['UsersOut'];
export type VersionOut = components['schemas']['VersionOut'];
export type WriteIn = components['schemas']['WriteIn'];
export type WriteOut = components['schemas']['WriteOut'];
export type CreateAgentRunBody = components['schemas']['CreateAgentRunBody'];
export type GetMemoriesQuery = components['schemas']['GetMemoriesQuery'];
export type ListAgentMemoriesQuery = components['schemas']['ListAgentMemoriesQuery'];
export type RunAgentBody = components['schemas']['RunAgentBody'];
export type ListDeadLettersQuery = components['schemas']['ListDeadLettersQuery'];
export type ListUsersQuery = components['schemas']['ListUsersQuery'];
export type ListContradictionsQuery = components['schemas']['ListContradictionsQuery'];
export type CountCostsQuery = components['schemas']['CountCostsQuery'];
export type ListEpisodesQuery = components['schemas']['ListEpisodesQuery'];
export type ListFactsQuery = components['schemas']['ListFactsQuery'];
export type RetractFactQuery = components['schemas']['RetractFactQuery'];
export type KeepFactQuery = components['schemas']['KeepFactQuery'];
export type ImportTurnsQuery = components['schemas']['ImportTurnsQuery'];
export type ReleaseLockQuery = components['schemas']['ReleaseLockQuery'];
export type ListSessionsQuery = components['schemas']['ListSessionsQuery'];
export type FlushQuery = components['schemas']['FlushQuery'];
export type RecallQuery = components['schemas']['RecallQuery'];
export type ListTurnsQuery = components['schemas']['ListTurnsQuery'];
export type ListDocumentsQuery = components['schemas']['ListDocumentsQuery'];
export type DeleteDocumentQuery = components['schemas']['DeleteDocumentQuery'];
export type GetDocumentQuery = components['schemas']['GetDocumentQuery'];
export type PutDocumentQuery = components['schemas']['PutDocumentQuery'];
export type ListThreadsQuery = components['schemas']['ListThreadsQuery'];
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
