-- What has to be said of devices that send too fast: that they do, again where that may not have been said, and that it is over.
SELECT feed, device_id, began_at, noticed_at, ended_at, refused, told
FROM device_floods
WHERE told < 2 OR (told = 2 AND ended_at IS NOT NULL)
ORDER BY began_at, feed, device_id
LIMIT $1
