"""The demo's company: its orchestrators, its participants, its faults, and the incident it ends in."""
