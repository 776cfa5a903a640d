-- Forget targets and subjects that there are no more.
DELETE FROM target_standings AS s
WHERE NOT EXISTS (SELECT FROM unnest($1::text[], $2::text[]) AS t (id, subject) WHERE t.id = s.id AND t.subject = s.subject)
