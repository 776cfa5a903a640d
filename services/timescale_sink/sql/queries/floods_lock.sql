-- One at a time brings the list of devices that send too fast up to date; the lock goes with the transaction.
LOCK TABLE device_floods IN SHARE ROW EXCLUSIVE MODE
