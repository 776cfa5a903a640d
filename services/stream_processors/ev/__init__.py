"""The feed ev: faults, silence, dark sites, site load, availability and uptime, utilisation, energy."""
