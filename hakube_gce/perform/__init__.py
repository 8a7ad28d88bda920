"""What each step does to the world: one module per kind of thing. See `performer.perform`."""
