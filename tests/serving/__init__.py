"""A desk that needs no database, and servers around it, for tests of the surface that a model reaches."""
