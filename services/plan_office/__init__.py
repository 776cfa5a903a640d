"""What the plan office answers for: where each target stands, and which figures people may enter. Pure."""
