-- One alert as it stands.
{alert_rows}
WHERE a.alert_id = $1
