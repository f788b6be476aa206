"""The public contract format, JSON of `spec_version` 0.1: read, judged by its own codes, and translated into ours.

Nothing of a document is dropped in silence: what we cannot honour is refused by name.
"""
