-- What a run left where it has no place: boots of real life that are its own. A figure of real life rests on such readings only.
SELECT DISTINCT boot_id
FROM v_reading_numbers
WHERE lane = 'live' AND boot_id ~ ('^(' || array_to_string($1::text[], '|') || ')-')
ORDER BY boot_id
