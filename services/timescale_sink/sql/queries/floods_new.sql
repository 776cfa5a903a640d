-- A device of which readings were refused as too fast, and of which nothing is open: that begins with the first of them.
INSERT INTO device_floods (feed, device_id, began_at, last_at, refused)
SELECT d.feed, d.device_id, min(d.received_at), max(d.received_at), count(*)
FROM dead_letters AS d
LEFT JOIN (SELECT feed, device_id, max(ended_at) AS ended_at FROM device_floods GROUP BY feed, device_id) AS o
    USING (feed, device_id)
WHERE d.reason = 'too_fast' AND d.received_at > now() - interval '1 day' AND d.received_at > coalesce(o.ended_at, '-infinity')
    AND d.feed IS NOT NULL AND d.device_id IS NOT NULL
    AND NOT EXISTS (
        SELECT FROM device_floods AS f WHERE f.feed = d.feed AND f.device_id = d.device_id AND f.ended_at IS NULL
    )
GROUP BY d.feed, d.device_id
