-- How each subscriber fares since a moment.
SELECT
    subscriber,
    count(*) FILTER (WHERE outcome = 'delivered') AS delivered,
    count(*) FILTER (WHERE outcome = 'failed') AS failed,
    count(*) FILTER (WHERE outcome = 'refused') AS refused,
    count(*) FILTER (WHERE outcome = 'withheld') AS withheld,
    count(*) FILTER (WHERE outcome = 'given_up') AS given_up,
    max(at) FILTER (WHERE outcome = 'delivered') AS last_delivered_at,
    max(at) FILTER (WHERE outcome IN ('failed', 'refused', 'given_up')) AS last_failed_at,
    coalesce(
        (array_agg(detail ORDER BY at DESC) FILTER (WHERE outcome IN ('failed', 'refused', 'given_up')))[1], ''
    ) AS last_detail,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY waited_seconds + seconds)
        FILTER (WHERE outcome = 'delivered' AND NOT redelivery) AS p50_seconds,
    percentile_disc(0.99) WITHIN GROUP (ORDER BY waited_seconds + seconds)
        FILTER (WHERE outcome = 'delivered' AND NOT redelivery) AS p99_seconds
FROM v_deliveries
WHERE at >= $1
GROUP BY subscriber
ORDER BY subscriber
