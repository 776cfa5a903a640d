-- How far files of history were taken over: written in the transaction of the rows, so that an import goes on where it was.
CREATE TABLE imports (
    source text NOT NULL,
    part_start bigint NOT NULL,
    part_end bigint NOT NULL,
    file text NOT NULL,
    feed text NOT NULL,
    next_at bigint NOT NULL,
    lines bigint NOT NULL DEFAULT 0,
    stored bigint NOT NULL DEFAULT 0,
    duplicates bigint NOT NULL DEFAULT 0,
    refused bigint NOT NULL DEFAULT 0,
    earliest timestamptz,
    latest timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, part_start),
    CHECK (lines = stored + duplicates + refused),
    CHECK (next_at BETWEEN part_start AND part_end)
);
COMMENT ON TABLE imports IS 'One row a part of a file; source names its content, offsets are bytes.';
CREATE VIEW v_imports AS
SELECT
    source,
    min(file) AS file,
    min(feed) AS feed,
    count(*) AS parts,
    count(*) FILTER (WHERE next_at = part_end) AS parts_done,
    sum(lines)::bigint AS lines,
    sum(stored)::bigint AS stored,
    sum(duplicates)::bigint AS duplicates,
    sum(refused)::bigint AS refused,
    min(earliest) AS earliest,
    max(latest) AS latest,
    max(updated_at) AS updated_at
FROM imports
GROUP BY source;
