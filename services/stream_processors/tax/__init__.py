"""The feed tax: tax received for each building and year, buildings at CNY 100 million, pace with an interval."""
