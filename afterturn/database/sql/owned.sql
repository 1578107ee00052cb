-- name: owned_tables
-- Read every table whose rows belong to a user, with the columns of its primary key in order. The catalog lists also the
-- tables that later releases add.
SELECT c.relname::text AS name,
       ARRAY(
           SELECT a.attname::text
           FROM pg_index AS i
           CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k (attnum, place)
           JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
           WHERE i.indrelid = c.oid AND i.indisprimary
           ORDER BY k.place
       ) AS primary_key
FROM pg_class AS c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND 2 = (
          SELECT count(*) FROM pg_attribute AS a
          WHERE a.attrelid = c.oid AND a.attname IN ('tenant_id', 'user_id') AND NOT a.attisdropped
      )
ORDER BY c.relname

-- name: allow_time
-- Raise the statement timeout: to read a large memory, or to write it to a slow disk, takes longer than other statements.
SELECT set_config('statement_timeout', '600000', true), set_config('idle_in_transaction_session_timeout', '600000', true)

-- name: owned_rows
-- Read all rows of a user in one table, each as JSON, in the order of the primary key.
SELECT to_jsonb(t) AS row FROM {table} AS t
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s
ORDER BY {primary_key}

-- name: delete_owned
-- Delete all rows of a user in one table.
DELETE FROM {table} WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s
