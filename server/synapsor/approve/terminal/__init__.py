"""The card, the inbox and their like on a terminal: lines of text, folded, and no control character but our own."""
