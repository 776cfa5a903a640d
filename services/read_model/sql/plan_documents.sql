-- Every publication up to a moment, in the order in which they were published; those of a file count as the first.
SELECT
    kind,
    document_id,
    version,
    document -> kind ->> 'name' AS name,
    valid_from,
    valid_to,
    origin,
    published_at,
    published_by,
    text_sha256,
    document::text AS document,
    now() AS asked_at
FROM v_plan_documents
WHERE $1::timestamptz IS NULL OR published_at <= $1
ORDER BY published_at, kind, document_id, version
