-- Names of assets by id in both languages, by today's register; of several of one id the greater one.
SELECT DISTINCT ON (asset_id) asset_id, name_zh, name_en
FROM v_assets
WHERE asset_id = ANY ($1::text[])
ORDER BY asset_id, is_device, kind
