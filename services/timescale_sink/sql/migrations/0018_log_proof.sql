-- By what a partition's log is known again: a record that was there when it was last asked for, which is before anything
-- that may be of another log by now.

ALTER TABLE sink_progress ADD COLUMN proof_offset bigint;
ALTER TABLE sink_progress ADD COLUMN proof_timestamp bigint;
COMMENT ON COLUMN sink_progress.last_timestamp IS 'Kafka''s time of the last record handled, in milliseconds.';
COMMENT ON COLUMN sink_progress.proof_offset IS
    'A record of the log that was read; whether the log is still the same is seen by its time. NULL: none is known.';
COMMENT ON COLUMN sink_progress.proof_timestamp IS 'Kafka''s time of that record, in milliseconds.';
CREATE OR REPLACE VIEW v_sink_progress AS SELECT * FROM sink_progress;
