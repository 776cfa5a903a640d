-- Take assets over from the register; one that had been retired is back.
INSERT INTO assets AS a (
    kind, asset_id, feed, name_zh, name_en, parent_kind, parent_id, zone, longitude, latitude, approximate, capacity,
    capacity_unit, limit_value, limit_unit, is_device
)
SELECT * FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::float8[],
    $10::float8[], $11::bool[], $12::float8[], $13::text[], $14::float8[], $15::text[], $16::bool[]
)
ON CONFLICT (kind, asset_id) DO UPDATE SET
    feed = excluded.feed,
    name_zh = excluded.name_zh,
    name_en = excluded.name_en,
    parent_kind = excluded.parent_kind,
    parent_id = excluded.parent_id,
    zone = excluded.zone,
    longitude = excluded.longitude,
    latitude = excluded.latitude,
    approximate = excluded.approximate,
    capacity = excluded.capacity,
    capacity_unit = excluded.capacity_unit,
    limit_value = excluded.limit_value,
    limit_unit = excluded.limit_unit,
    is_device = excluded.is_device,
    retired_at = NULL
