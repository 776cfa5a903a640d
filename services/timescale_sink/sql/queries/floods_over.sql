-- Nothing of the device was refused for so long: it is over, and now it can be counted how many it were.
UPDATE device_floods AS f
SET ended_at = f.last_at, refused = d.refused
FROM (
    SELECT o.feed, o.device_id, o.began_at, count(*) AS refused
    FROM device_floods AS o
    JOIN dead_letters AS d
        ON d.feed = o.feed AND d.device_id = o.device_id AND d.received_at BETWEEN o.began_at AND o.last_at
    WHERE o.ended_at IS NULL AND o.last_at < now() - $1::interval AND d.reason = 'too_fast'
    GROUP BY o.feed, o.device_id, o.began_at
) AS d
WHERE (f.feed, f.device_id, f.began_at) = (d.feed, d.device_id, d.began_at)
