"""Stores of plugins that aren't our own: their code runs in a thread apart, and what it answers is looked at first.

A plugin that blocks keeps its own thread and nobody else's; one that raises anything, tells wrong types or never ends
becomes a blind spot with its name. What no thread can hold (a C function that never gives the interpreter back) is the
front end's business: see `sagadoctor.cli.watchdog`.
"""
