"""What the model reaches: tools, resources, identity and transports."""
