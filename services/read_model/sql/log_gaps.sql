-- Gaps in Kafka's logs, those that nobody took note of first, the newest first.
{log_gap_rows}
ORDER BY acknowledged_at IS NOT NULL, noticed_at DESC
LIMIT $1
