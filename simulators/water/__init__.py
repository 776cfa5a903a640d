"""Simulated lakes."""
