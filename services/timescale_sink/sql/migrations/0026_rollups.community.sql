-- Community edition: continuous aggregates keep the rollups and know by themselves what is stale (0007). Nothing to do.
SELECT 1;
