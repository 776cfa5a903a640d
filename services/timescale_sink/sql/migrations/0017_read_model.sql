-- What the read model asks beside the views there are: documents as they were published, and the alerts of one asset.

CREATE VIEW v_plan_documents AS
SELECT
    kind,
    document_id,
    version,
    valid_from,
    valid_to,
    origin,
    published_at,
    published_by,
    text_sha256,
    document,
    stored_at
FROM plan_versions;
COMMENT ON VIEW v_plan_documents IS 'Every publication of every plan, standard and policy, the whole document with it; of what is published again each publication stands for itself.';

CREATE INDEX alerts_by_asset ON alerts (asset, started_at DESC);
