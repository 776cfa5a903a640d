-- Keep one publication of a document's version; a file that was corrected without a new version replaces itself.
INSERT INTO plan_versions (
    kind, document_id, version, valid_from, valid_to, origin, published_at, published_by, text_sha256, document
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (kind, document_id, version, published_at) DO UPDATE SET
    valid_from = excluded.valid_from,
    valid_to = excluded.valid_to,
    published_by = excluded.published_by,
    text_sha256 = excluded.text_sha256,
    document = excluded.document,
    stored_at = clock_timestamp()
WHERE plan_versions.text_sha256 <> excluded.text_sha256
