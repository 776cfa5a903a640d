-- One sink at a time brings the standings up to date.
LOCK TABLE target_standings IN SHARE ROW EXCLUSIVE MODE
