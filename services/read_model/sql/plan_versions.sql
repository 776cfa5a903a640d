-- Every version of every document, the last publication of each.
SELECT kind, document_id, version, name, valid_from, valid_to, origin, published_at, published_by, text_sha256
FROM v_plan_versions
ORDER BY kind, document_id, valid_from, version
