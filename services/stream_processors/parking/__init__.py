"""The feed parking: counts that can be, occupancy, full lots and where to send drivers, turnover."""
