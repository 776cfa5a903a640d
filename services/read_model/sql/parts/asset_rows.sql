SELECT
    kind,
    asset_id,
    feed,
    name_zh,
    name_en,
    parent_kind,
    parent_id,
    zone,
    longitude,
    latitude,
    approximate,
    capacity,
    capacity_unit,
    limit_value,
    limit_unit
FROM v_assets
