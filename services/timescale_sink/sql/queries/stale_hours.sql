-- Hours of each feed that are closed and have to be folded, and the oldest of them.
SELECT p.feed, count(DISTINCT m.bucket) AS hours, min(m.bucket) AS oldest
FROM rollup_progress AS p LEFT JOIN rollup_marks AS m ON m.feed = p.feed AND m.bucket < p.closed_before
GROUP BY p.feed
ORDER BY p.feed
