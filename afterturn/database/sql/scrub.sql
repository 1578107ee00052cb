-- name: current_transaction
-- The id of a new transaction: rows that were deleted before now were deleted by older ones.
SELECT pg_current_xact_id()::text AS transaction_id

-- name: older_transactions
-- What keeps rows on disk that were deleted before a transaction: older transactions and snapshots, prepared
-- transactions, replicas and replication slots. A vacuum of autovacuum keeps nothing.
SELECT 'process ' || pid || ' (' || concat_ws(', ', nullif(application_name, ''), state) || ')' AS name
FROM pg_stat_activity
WHERE pid <> pg_backend_pid() AND (datname = current_database() OR datname IS NULL)
      AND greatest(age(backend_xid), age(backend_xmin)) > age(%(transaction_id)s::xid8::xid)
      AND NOT (backend_type = 'autovacuum worker' AND query LIKE 'autovacuum: VACUUM%%')
UNION ALL
SELECT 'prepared transaction ' || gid FROM pg_prepared_xacts
WHERE database = current_database() AND age(transaction) > age(%(transaction_id)s::xid8::xid)
UNION ALL
SELECT 'replication slot ' || slot_name FROM pg_replication_slots
WHERE xmin IS NOT NULL AND age(xmin) > age(%(transaction_id)s::xid8::xid)

-- name: clear_statistics
-- Returns in how many tables without rows the planner's statistics could not be deleted.
SELECT clear_statistics_of_empty_tables() AS remaining
