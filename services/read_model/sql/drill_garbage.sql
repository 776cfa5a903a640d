-- What came since a moment by the topic of what is no reading, by feed.
SELECT split_part(mqtt_topic, '/', 2) AS feed, count(*) AS n
FROM v_dead_letters
WHERE received_at >= $1 AND mqtt_topic LIKE 'jianghan/%/' || $2 || '/' || $2 || '/%'
GROUP BY split_part(mqtt_topic, '/', 2)
