-- How long readings of a device have been refused as too fast.
UPDATE device_floods AS f
SET last_at = d.last_at
FROM (
    SELECT o.feed, o.device_id, o.began_at, max(d.received_at) AS last_at
    FROM device_floods AS o
    JOIN dead_letters AS d ON d.feed = o.feed AND d.device_id = o.device_id AND d.received_at > o.last_at
    WHERE o.ended_at IS NULL AND d.reason = 'too_fast'
    GROUP BY o.feed, o.device_id, o.began_at
) AS d
WHERE (f.feed, f.device_id, f.began_at) = (d.feed, d.device_id, d.began_at)
