-- Readings that there were of a lane on each local day of a span, those that are kept as sums alone included.
SELECT bucket AS day, sum(n)::bigint AS n
FROM v_{feed}_days
WHERE lane = $1
    AND bucket >= $2
    AND bucket < $3
GROUP BY bucket
ORDER BY bucket
