-- Times of the first and last reading of some files that were taken over.
SELECT min(earliest) AS earliest, max(latest) AS latest FROM v_imports WHERE source = ANY ($1::text[])
