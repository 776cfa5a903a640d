-- Note devices as seen.
INSERT INTO devices AS d (feed, lane, device_id, group_id, boot_id)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
ON CONFLICT (feed, lane, device_id) DO UPDATE SET
    group_id = excluded.group_id,
    boot_id = excluded.boot_id,
    last_seen_at = now()
