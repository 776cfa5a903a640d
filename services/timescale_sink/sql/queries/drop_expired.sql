-- Drop the oldest chunks past the ages that the owner set, at most so many, on either edition.
SELECT relation, chunk FROM drop_expired_chunks($1)
