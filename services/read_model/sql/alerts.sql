-- Alerts as they stand, the one that began last in front, behind a key; what is not given lets all pass.
{alert_rows}
WHERE ($1::text IS NULL OR a.lane = $1)
    AND ($2::text[] IS NULL OR a.standing = ANY ($2))
    -- Only what has not ended is asked for: then a small index has them all.
    AND (NOT $3::boolean OR (a.ended_at IS NULL AND a.event <> 'retracted'))
    AND ($2 IS NULL OR a.superseded_by IS NULL)
    AND ($4::text[] IS NULL OR a.feed = ANY ($4))
    AND ($5::text[] IS NULL OR a.severity = ANY ($5))
    AND ($6::text[] IS NULL OR p.zone = ANY ($6))
    AND ($7::text[] IS NULL OR a.rule = ANY ($7))
    AND ($8::text IS NULL OR a.asset = $8)
    AND ($9::text IS NULL OR a.assignee = $9)
    AND ($10::text IS NULL OR strpos(
        lower(concat_ws(' ', a.place, a.text_zh, a.text_en, a.rule, a.asset, p.asset_name_zh, p.asset_name_en)),
        lower($10)
    ) > 0)
    AND ($11::timestamptz IS NULL OR a.started_at >= $11)
    AND ($12::timestamptz IS NULL OR a.started_at < $12)
    AND ($13::timestamptz IS NULL OR (a.started_at <= $13 AND (a.started_at < $13 OR a.alert_id > $14::text)))
ORDER BY a.started_at DESC, a.alert_id
LIMIT $15
