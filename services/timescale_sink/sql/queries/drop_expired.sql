-- Drop chunks past the ages that the owner set, on either edition.
SELECT relation, chunk FROM drop_expired_chunks()
