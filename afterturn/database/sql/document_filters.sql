-- name: is_type
-- The field at a path is of a type.
jsonb_typeof(d.fields #> %(path)s::text[]) IS NOT DISTINCT FROM %(type)s::text

-- name: is_array
-- The field at a path is an array of a length.
CASE WHEN jsonb_typeof(d.fields #> %(path)s::text[]) = 'array'
     THEN jsonb_array_length(d.fields #> %(path)s::text[]) = %(length)s::integer ELSE false END

-- name: equal
-- The field at a path, or null, equals a value.
coalesce(d.fields #> %(path)s::text[], 'null') = %(value)s::jsonb

-- name: unequal
-- The field at a path, or null, differs from a value.
coalesce(d.fields #> %(path)s::text[], 'null') <> %(value)s::jsonb

-- name: never
-- No number compares with NaN.
(%(path)s::text[] IS NULL)

-- name: greater_number
-- The field at a path is greater than a number. A text is compared if it is a number; true is 1.
CASE jsonb_typeof(d.fields #> %(path)s::text[])
     WHEN 'number' THEN (d.fields #>> %(path)s::text[])::numeric > %(value)s::text::numeric
     WHEN 'boolean' THEN (d.fields #>> %(path)s::text[])::boolean::integer > %(value)s::text::numeric
     WHEN 'string' THEN CASE WHEN (d.fields #>> %(path)s::text[]) ~ '^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?\s*$'
                             THEN (d.fields #>> %(path)s::text[])::numeric > %(value)s::text::numeric ELSE false END
     ELSE false END

-- name: greater_text
-- The field at a path is a text that is greater than another one.
CASE WHEN jsonb_typeof(d.fields #> %(path)s::text[]) = 'string'
     THEN (d.fields #>> %(path)s::text[]) COLLATE "C" > %(value)s::text ELSE false END

-- name: greater_or_equal_number
-- The field at a path is at least a number. A text is compared if it is a number; true is 1.
CASE jsonb_typeof(d.fields #> %(path)s::text[])
     WHEN 'number' THEN (d.fields #>> %(path)s::text[])::numeric >= %(value)s::text::numeric
     WHEN 'boolean' THEN (d.fields #>> %(path)s::text[])::boolean::integer >= %(value)s::text::numeric
     WHEN 'string' THEN CASE WHEN (d.fields #>> %(path)s::text[]) ~ '^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?\s*$'
                             THEN (d.fields #>> %(path)s::text[])::numeric >= %(value)s::text::numeric ELSE false END
     ELSE false END

-- name: greater_or_equal_text
-- The field at a path is a text that is at least another one.
CASE WHEN jsonb_typeof(d.fields #> %(path)s::text[]) = 'string'
     THEN (d.fields #>> %(path)s::text[]) COLLATE "C" >= %(value)s::text ELSE false END

-- name: less_number
-- The field at a path is less than a number. A text is compared if it is a number; true is 1.
CASE jsonb_typeof(d.fields #> %(path)s::text[])
     WHEN 'number' THEN (d.fields #>> %(path)s::text[])::numeric < %(value)s::text::numeric
     WHEN 'boolean' THEN (d.fields #>> %(path)s::text[])::boolean::integer < %(value)s::text::numeric
     WHEN 'string' THEN CASE WHEN (d.fields #>> %(path)s::text[]) ~ '^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?\s*$'
                             THEN (d.fields #>> %(path)s::text[])::numeric < %(value)s::text::numeric ELSE false END
     ELSE false END

-- name: less_text
-- The field at a path is a text that is less than another one.
CASE WHEN jsonb_typeof(d.fields #> %(path)s::text[]) = 'string'
     THEN (d.fields #>> %(path)s::text[]) COLLATE "C" < %(value)s::text ELSE false END

-- name: less_or_equal_number
-- The field at a path is at most a number. A text is compared if it is a number; true is 1.
CASE jsonb_typeof(d.fields #> %(path)s::text[])
     WHEN 'number' THEN (d.fields #>> %(path)s::text[])::numeric <= %(value)s::text::numeric
     WHEN 'boolean' THEN (d.fields #>> %(path)s::text[])::boolean::integer <= %(value)s::text::numeric
     WHEN 'string' THEN CASE WHEN (d.fields #>> %(path)s::text[]) ~ '^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?\s*$'
                             THEN (d.fields #>> %(path)s::text[])::numeric <= %(value)s::text::numeric ELSE false END
     ELSE false END

-- name: less_or_equal_text
-- The field at a path is a text that is at most another one.
CASE WHEN jsonb_typeof(d.fields #> %(path)s::text[]) = 'string'
     THEN (d.fields #>> %(path)s::text[]) COLLATE "C" <= %(value)s::text ELSE false END
