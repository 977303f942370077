"""The mapping language as pydantic models: what may be said, not what it means."""
