-- Devices that send too fast: the bridge refuses what is too much and keeps it as dead letters; that it does is an alert.

CREATE TABLE device_floods (
    feed text NOT NULL,
    device_id text NOT NULL,
    began_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    refused bigint NOT NULL,
    noticed_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    told smallint NOT NULL DEFAULT 0,
    PRIMARY KEY (feed, device_id, began_at)
);
COMMENT ON TABLE device_floods IS
    'Times in which readings of a device were refused as too fast, from the first to the last; refused: as many as were known when it'
    ' was noticed, once it is over all of them. told 1: its alert is being raised, 2: it was raised, 3: it was resolved.';
CREATE INDEX device_floods_open ON device_floods (feed, device_id) WHERE ended_at IS NULL OR told < 3;
CREATE INDEX dead_letters_too_fast ON dead_letters (feed, device_id, received_at) WHERE reason = 'too_fast';

-- What was refused before this release is no news.
INSERT INTO device_floods (feed, device_id, began_at, last_at, refused, ended_at, told)
SELECT feed, device_id, min(received_at), max(received_at), count(*), max(received_at), 3
FROM dead_letters
WHERE reason = 'too_fast' AND feed IS NOT NULL AND device_id IS NOT NULL
GROUP BY feed, device_id;
