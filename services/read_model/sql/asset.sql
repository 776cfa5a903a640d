-- One asset and what belongs to it.
{asset_rows}
WHERE (kind = $1 AND asset_id = $2) OR (parent_kind = $1 AND parent_id = $2)
ORDER BY kind, asset_id
