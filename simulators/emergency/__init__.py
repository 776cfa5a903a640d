"""Simulated emergency medicine."""
