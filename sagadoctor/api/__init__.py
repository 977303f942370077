"""What a plugin may know of the house: ports, capabilities, options. The door is `sagadoctor.api.v1`."""
