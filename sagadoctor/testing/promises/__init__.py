"""What a store promises, one theme a file; `sagadoctor.testing.store_suite` puts them together."""
