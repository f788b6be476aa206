"""Who a person is, and with which key, code or login they say so."""
