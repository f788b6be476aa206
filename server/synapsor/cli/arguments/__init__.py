"""Every command and option, a file for each part of the work; nothing here imports the product."""
