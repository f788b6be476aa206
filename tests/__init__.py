"""The tests, one folder for each kind of promise; see tests/requirements.py."""
