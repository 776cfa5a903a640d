-- One turn of folding hours of a feed, at most so many: how many were folded, null when there is nothing to do just now.
SELECT fold_hours($1, $2)
