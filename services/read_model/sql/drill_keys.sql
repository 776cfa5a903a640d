-- Device, boot and number of each reading of a run that is stored in its lane.
SELECT device_id, boot_id, seq FROM v_{feed}_readings WHERE lane = $1 AND starts_with(boot_id, $2)
