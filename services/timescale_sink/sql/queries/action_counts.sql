-- How many actions on these alerts count, by what limits them: exclusive ones, comments (with receipts by who is no
-- consumer), and whose receipts do.
SELECT
    alert_id,
    count(seen)::integer AS seen,
    count(*) FILTER (WHERE kind = 'comment' OR (kind = 'receive' AND actor <> 'consumer'))::integer AS comments,
    coalesce(array_agg(DISTINCT by) FILTER (WHERE kind = 'receive' AND actor = 'consumer'), '{}') AS received
FROM alert_actions
WHERE alert_id = ANY($1::text[]) AND fate = 'counts'
GROUP BY alert_id
