"""Simulated car parks."""
