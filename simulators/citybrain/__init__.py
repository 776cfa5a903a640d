"""The city brain as an integrator would build it: takes alert events by webhook, keeps books that survive a crash.

It follows docs/citybrain.md and knows nothing else of the platform; `district citybrain check` finds nothing wrong.
"""
