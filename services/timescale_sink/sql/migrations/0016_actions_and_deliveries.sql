-- What people and consumers did about alerts, what became of each attempt to hand an event on, and each alert's life: what
-- the processors said and what was done, joined.

CREATE TABLE alert_actions (
    action_id text NOT NULL,
    kind text NOT NULL,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    by text NOT NULL,
    by_name text NOT NULL,
    lane text NOT NULL,
    asset text NOT NULL,
    alert_id text,
    alert_revision integer,
    rule text,
    feed text,
    place text,
    zone text,
    severity text,
    raised_at timestamptz,
    seen integer,
    assignee text,
    scope text,
    until timestamptz,
    words text NOT NULL,
    fate text NOT NULL CHECK (fate IN ('counts', 'repeated', 'overtaken', 'too_many')),
    kafka_partition integer NOT NULL,
    kafka_offset bigint NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- As the fold knows it: an id belongs to its alert. Silences are about none, and known by their id alone.
    CONSTRAINT alert_actions_identity UNIQUE NULLS NOT DISTINCT (action_id, alert_id)
);
COMMENT ON TABLE alert_actions IS
    'One row an action, known by its alert and its id. alert_revision to raised_at: the alert as whoever acted had seen it; of a silence they are NULL. seen:'
    ' exclusive actions on the alert that whoever acted knew of. fate: what became of it, by services.alert_life.life.';
-- Of two that saw the same, one counts; so the exclusive actions that count are numbered 0, 1, 2, … in the order of the log.
CREATE UNIQUE INDEX alert_actions_counting ON alert_actions (alert_id, seen) WHERE fate = 'counts';
CREATE INDEX alert_actions_by_alert ON alert_actions (alert_id, at);
CREATE INDEX alert_actions_by_time ON alert_actions (at);

DROP VIEW v_deliveries;
ALTER TABLE alert_deliveries RENAME COLUMN receiver TO subscriber;
ALTER TABLE alert_deliveries RENAME COLUMN attempted_at TO at;
ALTER TABLE alert_deliveries DROP CONSTRAINT alert_deliveries_outcome_check;
ALTER TABLE alert_deliveries DROP CONSTRAINT alert_deliveries_pkey;
ALTER TABLE alert_deliveries
    ALTER COLUMN alert_id DROP NOT NULL,
    ALTER COLUMN seconds SET NOT NULL,
    ADD COLUMN event text NOT NULL,
    ADD COLUMN feed text,
    ADD COLUMN asset text NOT NULL,
    ADD COLUMN redelivery boolean NOT NULL,
    ADD COLUMN waited_seconds double precision NOT NULL,
    ADD COLUMN next_at timestamptz,
    ADD COLUMN event_topic text NOT NULL,
    ADD COLUMN event_partition integer NOT NULL,
    ADD COLUMN event_offset bigint NOT NULL,
    ADD COLUMN kafka_partition integer NOT NULL,
    ADD COLUMN kafka_offset bigint NOT NULL,
    ADD COLUMN stored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ADD CHECK (outcome IN ('delivered', 'failed', 'refused', 'withheld', 'given_up')),
    -- After a crash an attempt may be counted by the same number again: what differs is another attempt.
    ADD PRIMARY KEY (event_id, subscriber, attempt, at, outcome);
CREATE INDEX alert_deliveries_by_subscriber ON alert_deliveries (subscriber, at);
COMMENT ON TABLE alert_deliveries IS
    'One row an attempt to hand an event to a subscriber such as the city brain. event_topic, event_partition, event_offset:'
    ' where the event stands; kafka_partition, kafka_offset: where the attempt stands on its topic.';

CREATE VIEW v_alert_actions AS SELECT * FROM alert_actions;
CREATE VIEW v_deliveries AS SELECT * FROM alert_deliveries;

-- The same as services.alert_life.life makes of the same records; a test compares them field by field.
CREATE VIEW v_alert_lives AS
SELECT
    v.*,
    CASE
        WHEN v.event = 'retracted' THEN 'retracted'
        WHEN v.ended_at IS NOT NULL THEN 'resolved'
        -- I is the worst: whoever closed it had seen this severity, or a worse one.
        WHEN l.closed_at IS NOT NULL AND v.severity COLLATE "C" >= l.closed_severity THEN 'closed'
        WHEN l.acknowledged_at IS NOT NULL THEN 'acknowledged'
        ELSE 'open'
    END AS standing,
    l.seen,
    l.acknowledged_at,
    l.acknowledged_by,
    l.acknowledged_by_name,
    l.assignee,
    l.closed_at,
    l.closed_by,
    l.closed_by_name,
    l.closed_words,
    l.escalated_at,
    l.received_by,
    l.receivers,
    extract(epoch FROM l.acknowledged_at - v.raised_at)::double precision AS time_to_acknowledge_s,
    CASE WHEN v.event <> 'retracted' THEN extract(epoch FROM v.ended_at - v.raised_at)::double precision END
        AS time_to_resolve_s
FROM v_alerts AS v
CROSS JOIN LATERAL (
    SELECT
        count(*) FILTER (WHERE d.kind IN ('acknowledge', 'assign', 'close'))::integer AS seen,
        (array_agg(d.at ORDER BY d.seen) FILTER (WHERE d.kind IN ('acknowledge', 'assign')))[1] AS acknowledged_at,
        (array_agg(d.by ORDER BY d.seen) FILTER (WHERE d.kind IN ('acknowledge', 'assign')))[1] AS acknowledged_by,
        (array_agg(d.by_name ORDER BY d.seen) FILTER (WHERE d.kind IN ('acknowledge', 'assign')))[1]
            AS acknowledged_by_name,
        (array_agg(d.assignee ORDER BY d.seen DESC) FILTER (WHERE d.kind = 'assign'))[1] AS assignee,
        (array_agg(d.at ORDER BY d.seen DESC) FILTER (WHERE d.kind = 'close'))[1] AS closed_at,
        (array_agg(d.by ORDER BY d.seen DESC) FILTER (WHERE d.kind = 'close'))[1] AS closed_by,
        (array_agg(d.by_name ORDER BY d.seen DESC) FILTER (WHERE d.kind = 'close'))[1] AS closed_by_name,
        (array_agg(d.words ORDER BY d.seen DESC) FILTER (WHERE d.kind = 'close'))[1] AS closed_words,
        (array_agg(d.severity ORDER BY d.seen DESC) FILTER (WHERE d.kind = 'close'))[1] AS closed_severity,
        (array_agg(d.at ORDER BY d.stored_at, d.kafka_offset) FILTER (WHERE d.kind = 'escalate'))[1] AS escalated_at,
        count(DISTINCT d.by) FILTER (WHERE d.kind = 'receive' AND d.actor = 'consumer')::integer AS received_by,
        array_agg(DISTINCT d.by) FILTER (WHERE d.kind = 'receive' AND d.actor = 'consumer') AS receivers
    FROM alert_actions AS d
    WHERE d.alert_id = v.alert_id AND d.fate = 'counts'
) AS l;

COMMENT ON VIEW v_alert_actions IS 'What was done about alerts, one row an action: who, when, what, why. fate says whether it counts, was overtaken by somebody who acted first, is one comment too many, or repeats a receipt.';
COMMENT ON VIEW v_alert_lives IS 'Each alert of v_alerts with what was done about it: standing is open, acknowledged, closed, resolved or retracted; who took it and when, who closed it, which consumers have it (receivers), and the seconds from its raising until it was taken and until it ended.';
COMMENT ON VIEW v_deliveries IS 'Attempts to hand an event to a subscriber, with outcome and answer; event_topic, event_partition and event_offset say where the event stands.';
