-- The path of each target, as the function that judges it draws it: boards draw this one and none of their own.

ALTER TABLE target_standings ADD COLUMN path jsonb NOT NULL DEFAULT '[]';
COMMENT ON COLUMN target_standings.path IS 'Points of the path, each a local day and the value at its end; straight between them. Empty: there is no path.';

CREATE VIEW v_target_paths AS
SELECT
    s.id,
    nullif(s.subject, '') AS subject,
    s.plan_id,
    s.plan_version,
    p.ordinality,
    (p.point ->> 0)::date AS day,
    (p.point ->> 1)::double precision AS value
FROM target_standings AS s
CROSS JOIN LATERAL jsonb_array_elements(s.path) WITH ORDINALITY AS p (point, ordinality);
COMMENT ON VIEW v_target_paths IS 'The path of each target from its base to its due date, a row a point: local day and the value at its end, straight between the points. It is the one that its standing in v_target_states is judged by; a target without a path has no row.';
