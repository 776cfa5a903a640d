-- Names and positions of assets of a kind.
SELECT asset_id, name_zh, name_en, longitude, latitude, limit_value, capacity
FROM v_assets
WHERE kind = $1
ORDER BY asset_id
