"""For those who test sagadoctor or a plugin of it."""
