"""Builds what the one map needs: its geography and, with Node, its page."""
