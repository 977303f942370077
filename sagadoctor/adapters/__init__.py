"""One folder per kind of backend; each knows the product only through the plugin door."""
