"""A small company with a real orchestrator, real participants and faults that really strike."""
