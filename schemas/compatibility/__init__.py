"""Whether a change of the contract breaks a reader or a writer: today's documents against those that were released.

    json_schema   whether every value of one schema is one of another; if not, where and why
    documents     JSON Schemas, AsyncAPI and OpenAPI documents: which way each value travels, and what else may break
    __main__      compares the tree with `schemas/released`; `release` replaces what was released

What others send may only become more: old senders are still understood. What the platform says may only become less,
and gain fields: old readers pass over fields that they do not know. Records and registers outlive a release, so new
readers must understand whatever an old platform wrote.
"""
