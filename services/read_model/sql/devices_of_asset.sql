-- Devices of a lane that an alert about an asset rests on: itself, those of its group, else all of the feed.
WITH own AS (
    SELECT device_id FROM v_devices WHERE lane = $1 AND feed = $2 AND (device_id = $3 OR group_id = $3)
)
SELECT device_id FROM own
UNION ALL
SELECT device_id FROM v_devices WHERE lane = $1 AND feed = $2 AND NOT EXISTS (SELECT FROM own)
