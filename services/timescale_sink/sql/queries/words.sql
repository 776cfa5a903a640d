-- Take words over from the catalogue; a code that has none any more loses its row.
WITH given AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS g (kind, code, text_zh, text_en)
),
gone AS (
    DELETE FROM words AS w WHERE NOT EXISTS (SELECT FROM given AS g WHERE g.kind = w.kind AND g.code = w.code)
)
INSERT INTO words AS w (kind, code, text_zh, text_en)
SELECT kind, code, text_zh, text_en FROM given
ON CONFLICT (kind, code) DO UPDATE SET text_zh = excluded.text_zh, text_en = excluded.text_en
WHERE (w.text_zh, w.text_en) <> (excluded.text_zh, excluded.text_en)
