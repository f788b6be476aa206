"""The inbox as a full screen of a terminal, worked by the keyboard."""
