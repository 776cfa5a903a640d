-- Assets of today's register, in the order of feed, kind and id.
{asset_rows}
WHERE ($1::text IS NULL OR feed = $1) AND kind <> 'cell'
ORDER BY feed COLLATE "C" NULLS LAST, kind COLLATE "C", asset_id COLLATE "C"
