"""sagadoctor: finds stuck sagas, says why with evidence, and repairs them safely."""

__version__ = "0.1.0.dev0"
