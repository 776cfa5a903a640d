"""Simulated charging sites."""
