"""What a human reviews: the typed, strict model of a contract and everything that reads it.

A module that is named in the singular has the models of a part, and its namesake in the plural the rules that they are checked by.
"""
