"""Simulated tax offices of buildings."""
