"""Hands alert events and operators' actions to those who subscribe: webhooks, with a ledger of every attempt."""
