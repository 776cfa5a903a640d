-- Words of every code a person reads, in Chinese and in English; filled from the catalogue whenever the registers are.

CREATE TABLE words (
    kind text NOT NULL,
    code text NOT NULL,
    text_zh text NOT NULL,
    text_en text NOT NULL,
    PRIMARY KEY (kind, code)
);
COMMENT ON TABLE words IS
    'Words of codes, by kind (unit, rule, quality, step, street, ...); an empty text where a language says nothing.';

CREATE VIEW v_words AS SELECT kind, code, text_zh, text_en FROM words;
COMMENT ON VIEW v_words IS 'What people read instead of a code, in Chinese and English, by kind: unit, rule, limit, indicator, feed, status, severity, quality, quality_code, step, unit_state, connector_state, call_type, priority, street, asset_kind, dead_letter_reason and others.';
