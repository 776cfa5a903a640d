"""`district citybrain check`: whether an integrator's endpoint takes alert events as docs/citybrain.md asks.

    rules     the numbered rules of that page, and where each comes from
    samples   the events that are sent
    checks    what is sent in which way, and what must come of it
    judging   answers and books against that
    exchange  HTTP
    command   the command line
    simulated the reference consumer as a subscriber of `district run`; `received` is what it has

The first four are pure.
"""
