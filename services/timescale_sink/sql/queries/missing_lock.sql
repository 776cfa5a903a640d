-- One at a time brings the list of missing numbers up to date, or takes note of some; the lock goes with the transaction.
LOCK TABLE readings_missing IN SHARE ROW EXCLUSIVE MODE
