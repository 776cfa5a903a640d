"""What the API answers and what it is asked: pydantic models by idea, the source of the OpenAPI document."""
