-- A device counts as heard within the time after which its feed's policy in force calls it silent, not within an hour for all:
-- a charging site that has been dark for half an hour is not complete.

CREATE OR REPLACE VIEW v_feed_health AS
WITH said AS (
    -- Of each feed the policy that processors go by today: in force, with the latest first day, as it was published last.
    SELECT DISTINCT ON (p.document ->> 'feed') p.document ->> 'feed' AS feed, p.document
    FROM plan_versions AS p
    WHERE p.kind = 'policy' AND p.valid_from <= (now() AT TIME ZONE INTERVAL '+08:00')::date
        AND (p.valid_to IS NULL OR p.valid_to >= (now() AT TIME ZONE INTERVAL '+08:00')::date)
    ORDER BY p.document ->> 'feed', p.valid_from DESC, p.published_at DESC
),
patience AS (
    SELECT said.feed, (l ->> 'value')::double precision AS seconds
    FROM said, jsonb_array_elements(said.document -> 'limit') AS l
    WHERE l ->> 'id' = said.feed || '.silence' AND l ->> 'unit' = 's'
    UNION ALL
    SELECT feed, (document -> 'settings' -> 'coverage' ->> 'fresh_seconds')::double precision
    FROM said
    WHERE feed = 'emergency'
)
SELECT
    f.feed,
    coalesce(r.registered, 0) AS registered,
    coalesce(d.known, 0) AS known,
    coalesce(d.heard, 0) AS heard,
    d.last_seen_at,
    coalesce(i.readings, 0) / 300.0::double precision AS readings_per_s,
    CASE WHEN coalesce(r.registered, 0) > 0 THEN least(1.0, coalesce(d.heard, 0)::double precision / r.registered) END
        AS completeness,
    f.heard_since
FROM (
    SELECT
        e.feed,
        now() - CASE
            WHEN e.feed = 'tax' THEN make_interval(
                days => CASE extract(isodow FROM (now() AT TIME ZONE 'UTC') + INTERVAL '8 hours')::integer
                    WHEN 6 THEN 2
                    WHEN 7 THEN 3
                    WHEN 1 THEN 3
                    ELSE 1
                END
            )
            ELSE coalesce(
                (
                    SELECT make_interval(secs => p.seconds) FROM patience AS p WHERE p.feed = e.feed AND p.seconds BETWEEN 1 AND 1e7
                ),
                INTERVAL '1 hour'
            )
        END AS heard_since
    FROM (VALUES ('ev'), ('water'), ('parking'), ('emergency'), ('tax')) AS e (feed)
) AS f
LEFT JOIN (
    SELECT feed, count(*) AS registered FROM assets WHERE is_device AND retired_at IS NULL GROUP BY feed
) AS r USING (feed)
LEFT JOIN LATERAL (
    SELECT
        count(*) AS known,
        count(*) FILTER (WHERE last_seen_at > f.heard_since) AS heard,
        max(last_seen_at) AS last_seen_at
    FROM devices
    WHERE lane = 'live' AND devices.feed = f.feed
) AS d ON true
LEFT JOIN (
    -- Whole minutes: the one that runs would count as if it were over.
    SELECT feed, sum(readings) AS readings
    FROM intake_minutes
    WHERE minute >= date_trunc('minute', now()) - INTERVAL '5 minutes' AND minute < date_trunc('minute', now())
    GROUP BY feed
) AS i USING (feed);
COMMENT ON VIEW v_feed_health IS 'Each feed: registered devices, those heard since heard_since (connectors and car parks: the silence that the policy in force allows; emergency: how long its coverage takes a unit as it was; water: an hour; tax offices: a working day), their share, readings a second of the last five whole minutes.';
