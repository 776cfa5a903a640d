-- Drop chunks past the ages that the owner set; on the community edition policies do it.
SELECT d.relation, d.chunk
FROM v_edition AS e, LATERAL drop_expired_chunks() AS d
WHERE e.edition = 'apache'
